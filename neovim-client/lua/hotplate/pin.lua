--- The debugger's PIN, on request: into the clipboard, and nowhere else.

local apps = require('hotplate.apps')

local M = {}

--- Put the PIN into the clipboard. It is shown only where there is none.
---@param client vim.lsp.Client
---@param argument? { app?: string }
function M.copy(client, argument)
  apps.execute(client, 'debuggerPin', argument, function(answer)
    if not answer then
      return
    end
    local pin = answer.pin
    if type(pin) ~= 'string' then
      apps.say('the debugger asks for no PIN.')
    elseif vim.fn.has('clipboard') == 1 then
      vim.fn.setreg('+', pin)
      apps.say('the PIN is in the clipboard (register +).')
    else
      -- Not into another register: Neovim writes those to its shada file. Nor into :messages.
      vim.api.nvim_echo({ { 'There is no clipboard. The PIN is ' .. pin } }, false, {})
    end
  end)
end

return M
