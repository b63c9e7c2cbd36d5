--- The last tracebacks: which one is meant, and what is done with it.

local apps = require('hotplate.apps')

local M = {}

local KEPT = 50

---@class hotplate.Kept: hotplate.Traceback
---@field client_id integer
---@field encoding 'utf-8'|'utf-16'|'utf-32' the unit of its columns

---@type hotplate.Kept[] the last one first
local kept = {}

---@param traceback hotplate.Traceback|{ client_id: integer }
function M.add(traceback)
  local client = vim.lsp.get_client_by_id(traceback.client_id)
  local encoding = client and client.offset_encoding or 'utf-16'
  table.insert(kept, 1, vim.tbl_extend('force', traceback, { encoding = encoding }))
  kept[KEPT + 1] = nil
end

--- The traceback that a problem in the cursor's line came from.
---@return hotplate.Kept?
local function under_cursor()
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  local ids = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(0, { lnum = line })) do
    local data = vim.tbl_get(diagnostic, 'user_data', 'lsp', 'data')
    if type(data) == 'table' and data.traceback then
      ids[data.traceback] = true
    end
  end
  return vim.iter(kept):find(function(traceback)
    return ids[traceback.id]
  end)
end

--- The Nth last; where none is named, that of the problem under the cursor, else the last.
---@param back? string N, from 1
---@return hotplate.Kept? traceback nil where there is none, and the person has been told
local function meant(back)
  local found
  if back then
    found = kept[tonumber(back)]
  else
    found = under_cursor() or kept[1]
  end
  if #kept == 0 then
    apps.say('nothing has been raised yet.')
  elseif not found then
    local of = #kept == 1 and 'There is one.' or ('There are %d, the last one is 1.'):format(#kept)
    apps.say(('there is no traceback %s. %s'):format(back, of), vim.log.levels.ERROR)
  end
  return found
end

--- `:Hotplate tracebacks [float] [N]`
---@param arguments string[]
function M.show(arguments)
  local float = arguments[1] == 'float'
  local traceback = meant(arguments[float and 2 or 1])
  if traceback then
    require(float and 'hotplate.float' or 'hotplate.quickfix').show(traceback)
  end
end

--- `:Hotplate debugger [N]`: its interactive page, in the browser.
---@param back? string N, from 1
function M.debug(back)
  local traceback = meant(back)
  local client = traceback and vim.lsp.get_client_by_id(traceback.client_id)
  if client then
    apps.execute(client, 'openDebugger', { app = traceback.app, id = traceback.id })
  elseif traceback then
    apps.say('the server of this traceback has ended, and its debugger with it.')
  end
end

return M
