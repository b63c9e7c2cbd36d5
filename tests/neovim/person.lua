-- The person at the editor: what they have been told, and what their hands do.

local driver = require('driver')
local wait = driver.wait

local M = {
  ---@type hotplate.State[]
  states = {},
  ---@type hotplate.Traceback[]
  tracebacks = {},
  ---@type string[]
  notices = {},
  port = assert(tonumber(vim.env.HOTPLATE_PORT)),
}

vim.api.nvim_create_autocmd('User', {
  pattern = 'HotplateState',
  callback = function(event)
    table.insert(M.states, event.data)
  end,
})
vim.api.nvim_create_autocmd('User', {
  pattern = 'HotplateTraceback',
  callback = function(event)
    table.insert(M.tracebacks, event.data)
  end,
})
vim.notify = function(message)
  table.insert(M.notices, message)
end

--- Wait for a state of a start that has not been seen yet.
M.generation = 0
---@param name hotplate.Phase
---@return hotplate.State
function M.state(name)
  local found = wait('state ' .. name, function()
    for _, each in ipairs(M.states) do
      if each.state == name and each.generation > M.generation then
        return each
      end
    end
  end)
  M.generation = found.generation
  return found
end

--- Wait until the last state that was told is this one.
---@param name hotplate.Phase
function M.last_state(name)
  wait('last state ' .. name, function()
    return #M.states > 0 and M.states[#M.states].state == name
  end)
end

--- Wait for a notice that has some words in it.
---@param words string
---@return string
function M.notice(words)
  return wait('a notice: ' .. words, function()
    return vim.iter(M.notices):find(function(notice)
      return notice:find(words, 1, true) ~= nil
    end)
  end)
end

--- Replace one text of the buffer by another, and save.
---@param before string
---@param after string
function M.edit(before, after)
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  local from, to = text:find(before, 1, true)
  assert(from, 'not in the buffer: ' .. before)
  text = text:sub(1, from - 1) .. after .. text:sub(to + 1)
  vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(text, '\n'))
  vim.cmd('silent write')
end

--- Look at a page of the app.
---@param path string
---@return { [1]: integer, [2]: string } status and body
function M.look(path)
  return { driver.get(M.port, path) }
end

--- Look at a page that raises, and wait for its traceback.
---@param path string
---@return { [1]: integer, [2]: string } status and body
function M.raise(path)
  local before = #M.tracebacks
  local page = M.look(path)
  wait('a traceback', function()
    return #M.tracebacks > before
  end)
  return page
end

--- What the browser was told to open, the last address of all.
---@param seen integer how many are known already
---@return string[] addresses
function M.browser(seen)
  return wait('the browser', function()
    local readable, addresses = pcall(vim.fn.readfile, vim.env.HOTPLATE_BROWSER)
    return readable and #addresses > seen and addresses or nil
  end)
end

--- Wait until the window shows a buffer, and it has some words in it.
---@param name string the buffer's name begins with it
---@param words string
---@return string[] lines
function M.shown(name, words)
  return wait(('%s with %s'):format(name, words), function()
    local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
    local here = vim.startswith(vim.api.nvim_buf_get_name(0), name)
    return here and table.concat(lines, '\n'):find(words, 1, true) and lines or nil
  end)
end

---@param keys string as in a mapping
function M.press(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 'xt', false)
end

return M
