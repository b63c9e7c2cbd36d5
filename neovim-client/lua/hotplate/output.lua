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
  if not (buffer and vim.api.nvim_buf_is_valid(buffer)) then
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

--- `:Hotplate output [APP]`. What an app has printed can be read when its server has ended, too.
---@param name? string
function M.open(name)
  local printed = vim.tbl_filter(vim.api.nvim_buf_is_valid, vim.tbl_values(buffers))
  if #vim.lsp.get_clients({ name = 'hotplate' }) == 0 and #printed == 1 then
    scratch.show(printed[1])
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
