--- The last tracebacks, and the quickfix list of one.

local M = {}

local KEPT = 50

---@type (hotplate.Traceback|{ client_id: integer })[] the last one first
local kept = {}

---@param traceback hotplate.Traceback|{ client_id: integer }
function M.add(traceback)
  table.insert(kept, 1, traceback)
  kept[KEPT + 1] = nil
end

--- One frame as an entry. Columns are the server's; the quickfix list counts bytes from 1.
---@param frame hotplate.Frame
---@param encoding string
---@return vim.quickfix.entry
local function entry(frame, encoding)
  local where = frame['function'] ~= '' and ('in %s: '):format(frame['function']) or ''
  local text = where .. frame.code
  if not vim.startswith(frame.uri, 'file:') then
    return { text = (frame.uri:gsub('^python:', '')) .. ' ' .. text, valid = 0 }
  end
  local location = { uri = frame.uri, range = frame.range }
  local item = vim.lsp.util.locations_to_items({ location }, encoding)[1]
  item.text = text
  item.user_data = nil
  return item
end

---@param frames hotplate.Frame[]
---@param encoding string
---@return vim.quickfix.entry[] entries
---@return integer? own the innermost that is in the workspace
local function entries(frames, encoding)
  local made, own = {}, nil
  for index, frame in ipairs(frames) do
    made[index] = entry(frame, encoding)
    if frame.inWorkspace then
      own = index
    end
  end
  return made, own
end

---@param exception { type: string, message: string }
---@return string
local function headline_of(exception)
  return ('%s: %s'):format(exception.type, vim.split(exception.message, '\n')[1])
end

local relations = { cause = 'caused by', context = 'raised while handling', group = 'in the group' }

---@param traceback hotplate.Traceback|{ client_id: integer }
---@return vim.quickfix.entry[]
---@return integer index where to begin reading
local function list(traceback)
  local client = vim.lsp.get_client_by_id(traceback.client_id)
  local encoding = client and client.offset_encoding or 'utf-16'
  local items, own = entries(traceback.frames, encoding)
  for _, cause in ipairs(traceback.causes or {}) do
    local headline = ('%s %s'):format(relations[cause.relation] or '', headline_of(cause))
    items[#items + 1] = { text = headline, valid = 0 }
    local behind, own_behind = entries(cause.frames, encoding)
    own = own or (own_behind and #items + own_behind)
    vim.list_extend(items, behind)
  end
  return items, own or #items
end

---@param traceback hotplate.Traceback
---@return string
local function title(traceback)
  local request = traceback.request
  local asked = request and (' (%s %s)'):format(request.method, request.url) or ''
  return headline_of(traceback) .. asked
end

--- A traceback as the quickfix list: a frame an entry, outermost first. `:cnext` walks them.
---@param back integer which one, counted back from the last, which is 1
function M.show(back)
  local traceback = kept[back]
  if not traceback then
    vim.notify('Hotplate: there is no such traceback.', vim.log.levels.INFO)
    return
  end
  local items, index = list(traceback)
  vim.fn.setqflist({}, ' ', { title = title(traceback), items = items, idx = index })
  vim.cmd('botright copen')
end

return M
