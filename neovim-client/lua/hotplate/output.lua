--- What the apps print, in a scratch buffer that follows.

local M = {}

local NAME = 'hotplate://output'
local KEPT = 10000

---@type integer?
local buffer

---@return integer
local function make()
  local made = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(made, NAME)
  vim.bo[made].modifiable = false
  vim.bo[made].filetype = 'hotplate-output'
  return made
end

---@return integer
local function get()
  if not (buffer and vim.api.nvim_buf_is_valid(buffer)) then
    buffer = make()
  end
  return buffer
end

--- Windows whose cursor is on the last line follow; a person who has moved up is left alone.
---@param of integer
---@return integer[]
local function following(of)
  local last = vim.api.nvim_buf_line_count(of)
  return vim.tbl_filter(function(window)
    return vim.api.nvim_win_get_cursor(window)[1] == last
  end, vim.fn.win_findbuf(of))
end

--- Append what was printed. It is whole lines.
---@param output hotplate.Output
function M.add(output)
  local text = output.text:gsub('\27%[[%d;]*m', ''):gsub('\n$', '')
  local lines = vim.split(text, '\r?\n')
  local into = get()
  local windows = following(into)
  local empty = vim.api.nvim_buf_line_count(into) == 1
    and vim.api.nvim_buf_get_lines(into, 0, 1, false)[1] == ''
  vim.bo[into].modifiable = true
  vim.api.nvim_buf_set_lines(into, empty and 0 or -1, -1, false, lines)
  local surplus = vim.api.nvim_buf_line_count(into) - KEPT
  if surplus > 0 then
    vim.api.nvim_buf_set_lines(into, 0, surplus, false, {})
  end
  vim.bo[into].modifiable = false
  for _, window in ipairs(windows) do
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(into), 0 })
  end
end

--- Show it, in the window where it is shown already if there is one.
function M.open()
  local shown = get()
  local window = vim.fn.win_findbuf(shown)[1]
  if window then
    vim.api.nvim_set_current_win(window)
    return
  end
  vim.cmd('botright sbuffer ' .. shown)
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(shown), 0 })
end

return M
