-- What a driver needs: results as lines of JSON, waiting, and a small HTTP client.

local M = {}

local SECONDS = 20

---@param name string
---@param fields? table
function M.tell(name, fields)
  local line = vim.json.encode(vim.tbl_extend('force', { step = name }, fields or vim.empty_dict()))
  io.stdout:write(line .. '\n')
  io.stdout:flush()
end

--- Wait until a condition holds; its value. A condition that never does ends the story.
---@generic T
---@param what string
---@param condition fun(): T?
---@return T
function M.wait(what, condition)
  local value
  local held = vim.wait(SECONDS * 1000, function()
    value = condition()
    return value ~= nil and value ~= false
  end, 10)
  if not held then
    error('waited in vain: ' .. what, 2)
  end
  return value
end

--- Tell something, and wait until the test has done its part.
---@param name string
---@param fields? table
function M.pause(name, fields)
  M.tell(name, fields)
  M.wait('the test to go on after ' .. name, function()
    return vim.uv.fs_stat(vim.fs.joinpath(vim.env.HOTPLATE_DONE, name))
  end)
end

---@param port integer
---@param path string
---@return integer status
---@return string body
function M.get(port, path)
  local answer, done = '', false
  local tcp = assert(vim.uv.new_tcp())
  tcp:connect('127.0.0.1', port, function(failed)
    if failed then
      answer, done = 'HTTP/1.0 0 ' .. failed, true
      return
    end
    tcp:write(('GET %s HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n'):format(path, port))
    tcp:read_start(function(err, data)
      answer = answer .. (data or '')
      done = err ~= nil or data == nil
    end)
  end)
  M.wait('an answer to GET ' .. path, function()
    return done
  end)
  tcp:close()
  local status, body = answer:match('^HTTP/%S+ (%d+).-\r\n\r\n(.*)$')
  return tonumber(status) or 0, body or answer
end

--- Run a story. Whatever happens, Neovim ends as it does on `:qa!`.
---@param story fun()
function M.run(story)
  local ok, mistake = xpcall(story, debug.traceback)
  if not ok then
    M.tell('error', { message = mistake, messages = vim.fn.execute('messages') })
  end
  vim.cmd('qall!')
end

return M
