--- `:Hotplate doctor`: what the server finds in the project, and what stands in the way.

local apps = require('hotplate.apps')
local scratch = require('hotplate.scratch')
local server = require('hotplate.server')

local M = {}

local COLUMNS = 200
local NAME = 'hotplate://doctor'

---@return integer
local function buffer()
  local old = vim.fn.bufnr('^' .. NAME .. '$')
  if old > 0 then
    vim.api.nvim_buf_delete(old, { force = true })
  end
  local made = scratch.make(NAME, 'hotplate-doctor')
  vim.bo[made].bufhidden = 'wipe'
  return made
end

function M.run()
  local program = server.program({ 'doctor', server.folder() })
  if not program or vim.fn.executable(program.command[1]) == 0 then
    apps.say('its program cannot be run. See :checkhealth hotplate.', vim.log.levels.ERROR)
    return
  end
  local into = buffer()
  scratch.show(into)
  vim.fn.jobstart(program.command, {
    env = program.env,
    pty = true, -- it is colourful on a terminal only
    width = COLUMNS,
    stdout_buffered = true,
    on_stdout = function(_, lines)
      if vim.api.nvim_buf_is_valid(into) then
        scratch.append(into, table.concat(lines, '\n'), 'stdout')
      end
    end,
  })
end

return M
