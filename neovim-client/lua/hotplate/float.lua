--- A traceback in a float: each frame with its line of source, the expression marked.

local frames = require('hotplate.frames')

local M = {}

local namespace = vim.api.nvim_create_namespace('hotplate.float')
local INDENT = '    '
local WIDEST = 100

---@class hotplate.Mark
---@field row integer from 0
---@field first integer byte, from 0
---@field last integer byte behind it; -1 for the end of the line
---@field group string

---@class hotplate.Page
---@field lines string[]
---@field marks hotplate.Mark[]
---@field frame_at table<integer, hotplate.Frame> by line, from 1
---@field own? integer the line to begin at, from 1

---@param page hotplate.Page
---@param line string
---@param group? string for the whole line
local function add(page, line, group)
  page.lines[#page.lines + 1] = (line:gsub('\n', ' '))
  if group then
    local row = #page.lines - 1
    page.marks[#page.marks + 1] = { row = row, first = 0, last = -1, group = group }
  end
end

--- The file's line as it is now; the person may have changed it since.
---@param path string
---@param row integer from 0
---@return string?
local function line_now(path, row)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == path then
      return vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1]
    end
  end
  local readable, lines = pcall(vim.fn.readfile, path, '', row + 1)
  return readable and lines[row + 1] or nil
end

--- Where the expression stands in the frame's code, which has no indentation.
---@param frame hotplate.Frame
---@param encoding string
---@return integer? first byte, from 0; nil where the file has another line there by now
---@return integer? last byte behind it
local function expression(frame, encoding)
  local path, range = frames.path(frame), frame.range
  local line = path and line_now(path, range.start.line)
  if not line or vim.trim(line) ~= vim.trim(frame.code) then
    return nil
  end
  local indent = #line:match('^%s*')
  local first = vim.str_byteindex(line, encoding, range.start.character, false)
  local last = #line
  if range['end'].line == range.start.line then
    last = vim.str_byteindex(line, encoding, range['end'].character, false)
  end
  return math.max(first - indent, 0), math.max(last - indent, 0)
end

---@param page hotplate.Page
---@param frame hotplate.Frame
---@param encoding string
local function add_frame(page, frame, encoding)
  local path = frames.path(frame)
  local name = path and frames.short(path) or frame.uri:gsub('^python:', '')
  local within = frame['function'] ~= '' and ' in ' .. frame['function'] or ''
  local place = ('%s:%d%s'):format(name, frame.range.start.line + 1, within)
  add(page, place, frame.inWorkspace and 'Directory' or 'Comment')
  page.frame_at[#page.lines] = frame
  add(page, INDENT .. frame.code, not frame.inWorkspace and 'Comment' or nil)
  page.frame_at[#page.lines] = frame
  local first, last = expression(frame, encoding)
  if first and last and frame.inWorkspace then
    page.marks[#page.marks + 1] = {
      row = #page.lines - 1,
      first = #INDENT + first,
      last = #INDENT + last,
      group = 'DiagnosticUnderlineError',
    }
  end
end

---@param traceback hotplate.Kept
---@return hotplate.Page
local function lay_out(traceback)
  ---@type hotplate.Page
  local page = { lines = {}, marks = {}, frame_at = {} }
  add(page, frames.title(traceback), 'DiagnosticError')
  local chapters = frames.chapters(traceback)
  local own = frames.own(chapters)
  for _, chapter in ipairs(chapters) do
    add(page, '')
    if chapter.heading then
      add(page, chapter.heading, 'DiagnosticError')
    end
    for _, frame in ipairs(chapter.frames) do
      add_frame(page, frame, traceback.encoding)
      page.own = frame == own and #page.lines or page.own
    end
  end
  return page
end

---@param page hotplate.Page
---@return integer
local function fill(page)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, page.lines)
  for _, mark in ipairs(page.marks) do
    local last = mark.last >= 0 and mark.last or #page.lines[mark.row + 1]
    vim.api.nvim_buf_set_extmark(buffer, namespace, mark.row, mark.first, {
      end_col = math.min(last, #page.lines[mark.row + 1]),
      hl_group = mark.group,
    })
  end
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].filetype = 'hotplate-traceback'
  return buffer
end

---@param buffer integer
---@param page hotplate.Page
---@return integer window
local function open(buffer, page)
  local width = 20
  for _, line in ipairs(page.lines) do
    width = math.max(width, vim.api.nvim_strwidth(line))
  end
  width = math.min(width, WIDEST, vim.o.columns - 4)
  local height = math.min(#page.lines, math.floor(vim.o.lines * 0.8))
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = 'editor',
    style = 'minimal',
    border = vim.o.winborder == '' and 'rounded' or nil,
    footer = ' <CR> goes to the frame, q closes ',
    footer_pos = 'right',
    width = width,
    height = height,
    row = math.floor((vim.o.lines - height) / 2) - 1,
    col = math.floor((vim.o.columns - width) / 2) - 1,
  })
  vim.wo[window].cursorline = true
  vim.wo[window].wrap = false
  vim.api.nvim_win_set_cursor(window, { page.own or #page.lines, 0 })
  vim.cmd('normal! zb')
  return window
end

---@param traceback hotplate.Kept
function M.show(traceback)
  local page = lay_out(traceback)
  local buffer = fill(page)
  local window = open(buffer, page)
  local function close()
    if vim.api.nvim_win_is_valid(window) then
      vim.api.nvim_win_close(window, true)
    end
  end
  local function jump()
    local frame = page.frame_at[vim.api.nvim_win_get_cursor(window)[1]]
    if frame and frames.path(frame) then
      close()
      local location = { uri = frame.uri, range = frame.range }
      vim.lsp.util.show_document(location, traceback.encoding, { focus = true })
    end
  end
  for key, action in pairs({ ['<CR>'] = jump, q = close, ['<Esc>'] = close }) do
    vim.keymap.set('n', key, action, { buffer = buffer, nowait = true })
  end
  vim.api.nvim_create_autocmd('WinLeave', { buffer = buffer, once = true, callback = close })
end

return M
