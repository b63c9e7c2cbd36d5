--- What the apps print: a buffer for each.

local apps = require('hotplate.apps')
local scratch = require('hotplate.scratch')

local M = {}

---@type table<string, integer> buffers by app
local buffers = {}

--- The folder and, where there are several apps in it, `#` and the name.
---@param app string
---@return string
local function name_of(app)
  local uri, own = app:match('^([^#]*)(#?.*)$')
  local folder = vim.fn.fnamemodify(vim.uri_to_fname(uri), ':~')
  return 'hotplate://output/' .. folder:gsub('^/', '') .. vim.uri_decode(own)
end

--- Go to the file that a line of a traceback names, in the window that the person came from.
local function jump()
  local path, row = vim.api.nvim_get_current_line():match('File "(.+)", line (%d+)')
  if not path or vim.fn.filereadable(path) == 0 then
    return
  end
  local output = vim.api.nvim_get_current_win()
  vim.cmd('wincmd p')
  if vim.api.nvim_get_current_win() == output then
    vim.cmd('aboveleft new')
  end
  vim.cmd.edit(vim.fn.fnameescape(path))
  vim.api.nvim_win_set_cursor(0, { math.min(tonumber(row), vim.fn.line('$')), 0 })
  vim.cmd('normal! ^')
end

---@param app string
---@return integer
local function buffer_of(app)
  local buffer = buffers[app]
  if not (buffer and vim.api.nvim_buf_is_loaded(buffer)) then
    -- `:bdelete` has unloaded it, and taken its text and options; its name is to be free again.
    if buffer and vim.api.nvim_buf_is_valid(buffer) then
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
    buffer = scratch.make(name_of(app), 'hotplate-output')
    buffers[app] = buffer
    vim.keymap.set('n', '<CR>', jump, { buffer = buffer, desc = 'Go to the file in this line' })
  end
  return buffer
end

---@param output hotplate.Output
function M.add(output)
  scratch.append(buffer_of(output.app), output.text, output.stream)
end

--- The buffers of all that has been printed, by the name that a person gives to the app.
---@param name? string
---@return integer[]
local function printed(name)
  local found = {}
  for app, buffer in pairs(buffers) do
    local of_name = not name or vim.uri_decode(app):match('[^/#]*$') == name
    if of_name and vim.api.nvim_buf_is_loaded(buffer) then
      found[#found + 1] = buffer
    end
  end
  table.sort(found)
  return found
end

--- What an app has printed can be read when its server has ended, too.
---@param name? string
local function open_past(name)
  local found = printed(name)
  if #found == 0 then
    apps.say(
      'no server is running, and there is no output' .. (name and (' of ' .. name) or '') .. '.'
    )
  elseif #found == 1 then
    scratch.show(found[1])
  else
    vim.ui.select(found, {
      prompt = 'The output of which app?',
      format_item = function(buffer)
        return (vim.api.nvim_buf_get_name(buffer):gsub('^hotplate://output', ''))
      end,
    }, function(buffer)
      if buffer then
        scratch.show(buffer)
      end
    end)
  end
end

--- `:Hotplate output [APP]`.
---@param name? string
function M.open(name)
  if #vim.lsp.get_clients({ name = 'hotplate' }) == 0 then
    open_past(name)
    return
  end
  apps.with_app(name, function(_, argument)
    if argument.app then
      scratch.show(buffer_of(argument.app))
    else
      apps.say('there is no app yet, so nothing has been printed.')
    end
  end)
end

return M
