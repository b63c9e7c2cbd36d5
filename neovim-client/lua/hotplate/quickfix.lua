--- A traceback as the quickfix list: a frame an entry, outermost first. `:cnext` walks them.

local frames = require('hotplate.frames')

local M = {}

--- One frame as an entry. Columns are the server's; the quickfix list counts bytes from 1.
---@param frame hotplate.Frame
---@param encoding string
---@return vim.quickfix.entry
local function entry(frame, encoding)
  local where = frame['function'] ~= '' and ('in %s: '):format(frame['function']) or ''
  local text = where .. frame.code
  if not frames.path(frame) then
    return { text = (frame.uri:gsub('^python:', '')) .. ' ' .. text, valid = 0 }
  end
  local location = { uri = frame.uri, range = frame.range }
  local item = vim.lsp.util.locations_to_items({ location }, encoding)[1]
  item.text = text
  item.user_data = nil
  return item
end

---@param traceback hotplate.Kept
---@return vim.quickfix.entry[]
---@return integer index where to begin reading
local function list(traceback)
  local chapters = frames.chapters(traceback)
  local own = frames.own(chapters)
  local items, index = {}, nil
  for _, chapter in ipairs(chapters) do
    if chapter.heading then
      items[#items + 1] = { text = chapter.heading, valid = 0 }
    end
    for _, frame in ipairs(chapter.frames) do
      items[#items + 1] = entry(frame, traceback.encoding)
      index = frame == own and #items or index
    end
  end
  return items, index or #items
end

--- What the window shows of an entry: the usual, but with a name that leaves room for the text.
---@param info { id: integer, start_idx: integer, end_idx: integer }
---@return string[]
function M.text(info)
  local items = vim.fn.getqflist({ id = info.id, items = 0 }).items
  return vim.tbl_map(function(item)
    if item.valid == 0 then
      return '|| ' .. item.text
    end
    local name = frames.short(vim.api.nvim_buf_get_name(item.bufnr))
    local columns = item.end_lnum == item.lnum and ('%d-%d'):format(item.col, item.end_col)
      or tostring(item.col)
    return ('%s|%d col %s| %s'):format(name, item.lnum, columns, item.text)
  end, vim.list_slice(items, info.start_idx, info.end_idx))
end

---@param traceback hotplate.Kept
function M.show(traceback)
  local items, index = list(traceback)
  vim.fn.setqflist({}, ' ', {
    title = frames.title(traceback),
    items = items,
    idx = index,
    quickfixtextfunc = "v:lua.require'hotplate.quickfix'.text",
  })
  vim.cmd('botright copen')
end

return M
