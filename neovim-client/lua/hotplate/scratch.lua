--- Scratch buffers that follow: text comes in at the end, with its colours.

local ansi = require('hotplate.ansi')

local M = {}

local KEPT = 10000
local namespace = vim.api.nvim_create_namespace('hotplate.scratch')

---@type table<integer, table<string, hotplate.Style>> the colour in force, by buffer and stream
local styles = {}

---@param name string
---@param filetype string
---@return integer buffer
function M.make(name, filetype)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, name)
  vim.bo[buffer].undolevels = -1
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].filetype = filetype
  styles[buffer] = {}
  local function forget()
    styles[buffer] = nil
  end
  vim.api.nvim_create_autocmd('BufWipeout', { buffer = buffer, once = true, callback = forget })
  return buffer
end

--- Windows whose cursor is on the last line follow. A person who has moved up, or who selects, is
--- left alone.
---@param buffer integer
---@return integer[]
local function following(buffer)
  local last = vim.api.nvim_buf_line_count(buffer)
  local selecting = vim.api.nvim_get_mode().mode:find('^[vV\22]') ~= nil
  return vim.tbl_filter(function(window)
    local busy = selecting and window == vim.api.nvim_get_current_win()
    return not busy and vim.api.nvim_win_get_cursor(window)[1] == last
  end, vim.fn.win_findbuf(buffer))
end

---@param buffer integer
---@param lines string[]
---@return integer row where they begin, from 0
local function put(buffer, lines)
  local count = vim.api.nvim_buf_line_count(buffer)
  local empty = count == 1 and vim.api.nvim_buf_get_lines(buffer, 0, 1, false)[1] == ''
  local row = empty and 0 or count
  vim.api.nvim_buf_set_lines(buffer, row, -1, false, lines)
  return row
end

---@param buffer integer
---@param row integer
---@param spans hotplate.Span[][] by line
local function colour(buffer, row, spans)
  for index, of_line in ipairs(spans) do
    for _, span in ipairs(of_line) do
      vim.api.nvim_buf_set_extmark(buffer, namespace, row + index - 1, span.first, {
        end_col = span.last,
        hl_group = span.group,
        invalidate = true, -- so that it goes with its line
        undo_restore = false,
      })
    end
  end
end

--- Append whole lines.
---@param buffer integer
---@param text string
---@param stream string colours of one stream do not reach into another
function M.append(buffer, text, stream)
  local lines, spans = vim.split(text:gsub('\n$', ''), '\n'), {}
  local style = styles[buffer][stream] or {}
  for index, line in ipairs(lines) do
    lines[index], spans[index], style = ansi.read(line, style)
  end
  styles[buffer][stream] = style
  local windows = following(buffer)
  vim.bo[buffer].modifiable = true
  colour(buffer, put(buffer, lines), spans)
  local surplus = vim.api.nvim_buf_line_count(buffer) - KEPT
  if surplus > 0 then
    vim.api.nvim_buf_set_lines(buffer, 0, surplus, false, {})
  end
  vim.bo[buffer].modifiable = false
  for _, window in ipairs(windows) do
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

--- Show it, in the window where it is shown already if there is one.
---@param buffer integer
function M.show(buffer)
  local window = vim.fn.win_findbuf(buffer)[1]
  if window then
    vim.api.nvim_set_current_win(window)
    return
  end
  vim.cmd('botright sbuffer ' .. buffer)
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(buffer), 0 })
end

return M
