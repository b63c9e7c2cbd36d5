--- Colours: text with a terminal's escape sequences becomes plain text and what to highlight.

local M = {}

---@class hotplate.Style
---@field fg? integer|string a number of the terminal's 256 colours, or `#rrggbb`
---@field bg? integer|string
---@field bold? true
---@field dim? true
---@field italic? true
---@field underline? true
---@field reverse? true
---@field strikethrough? true

---@class hotplate.Span
---@field first integer byte, from 0
---@field last integer byte behind it
---@field group string

local ON = {
  [1] = 'bold',
  [2] = 'dim',
  [3] = 'italic',
  [4] = 'underline',
  [7] = 'reverse',
  [9] = 'strikethrough',
}
local OFF = {
  [22] = { 'bold', 'dim' },
  [23] = { 'italic' },
  [24] = { 'underline' },
  [27] = { 'reverse' },
  [29] = { 'strikethrough' },
}
local ATTRIBUTES = { 'bold', 'dim', 'italic', 'underline', 'reverse', 'strikethrough' }

-- xterm's, where the colour scheme has none of its own (`g:terminal_color_0` and on).
local BASIC = {
  [0] = '#000000',
  '#cd0000',
  '#00a000',
  '#b08000',
  '#3465e4',
  '#b800b8',
  '#00a0a0',
  '#d0d0d0',
  '#7f7f7f',
  '#ff4f4f',
  '#30d030',
  '#e0c000',
  '#729fff',
  '#f050f0',
  '#30d0d0',
  '#ffffff',
}
local LEVELS = { [0] = 0, 95, 135, 175, 215, 255 }

---@param number integer of the 256
---@return string
local function rgb_of(number)
  if number < 16 then
    return vim.g['terminal_color_' .. number] or BASIC[number]
  elseif number >= 232 then
    local grey = 8 + (number - 232) * 10
    return ('#%02x%02x%02x'):format(grey, grey, grey)
  end
  local cube = number - 16
  local red, green, blue = math.floor(cube / 36), math.floor(cube / 6) % 6, cube % 6
  return ('#%02x%02x%02x'):format(LEVELS[red], LEVELS[green], LEVELS[blue])
end

--- The nearest of the 256, for a terminal without true colour.
---@param rgb string
---@return integer
local function number_of(rgb)
  local parts = {}
  for hex in rgb:gmatch('%x%x') do
    parts[#parts + 1] = math.floor(tonumber(hex, 16) / 51 + 0.5)
  end
  return 16 + 36 * parts[1] + 6 * parts[2] + parts[3]
end

---@param colour? integer|string
---@return string? rgb
---@return integer? number
local function both(colour)
  if type(colour) == 'number' then
    return rgb_of(colour), colour
  elseif colour then
    return colour, number_of(colour)
  end
end

---@type table<string, hotplate.Style> the groups that are in use
local groups = {}

---@param name string
local function define(name)
  local style = groups[name]
  local definition = {
    bold = style.bold,
    italic = style.italic,
    underline = style.underline,
    reverse = style.reverse,
    strikethrough = style.strikethrough,
  }
  definition.fg, definition.ctermfg = both(style.fg)
  definition.bg, definition.ctermbg = both(style.bg)
  if style.dim and not style.fg then
    local faint = vim.api.nvim_get_hl(0, { name = 'Comment', link = false })
    definition.fg, definition.ctermfg = faint.fg, faint.ctermfg
  end
  vim.api.nvim_set_hl(0, name, definition)
end

-- A colour scheme clears all groups.
vim.api.nvim_create_autocmd('ColorScheme', {
  group = vim.api.nvim_create_augroup('hotplate.ansi', {}),
  desc = 'Keep the colours of what the apps print',
  callback = function()
    for name in pairs(groups) do
      define(name)
    end
  end,
})

---@param style hotplate.Style
---@return string? group nil for plain text
local function group_of(style)
  local name = 'HotplateAnsi'
  for _, ground in ipairs({ 'fg', 'bg' }) do
    if style[ground] then
      name = name .. ground:gsub('^%l', string.upper) .. tostring(style[ground]):gsub('#', 'x')
    end
  end
  for _, attribute in ipairs(ATTRIBUTES) do
    if style[attribute] then
      name = name .. attribute:gsub('^%l', string.upper)
    end
  end
  if name == 'HotplateAnsi' then
    return nil
  end
  if not groups[name] then
    groups[name] = vim.deepcopy(style)
    define(name)
  end
  return name
end

--- The colour behind a 38 or 48: `5;n` or `2;r;g;b`, with colons too.
---@param codes integer[]
---@param at integer index of the 38 or 48
---@return integer|string|nil colour
---@return integer at index of the last code that belongs to it
local function extended(codes, at)
  if codes[at + 1] == 5 then
    local number = codes[at + 2]
    return number and number < 256 and number or nil, at + 2
  elseif codes[at + 1] == 2 then
    local red, green, blue = codes[at + 2], codes[at + 3], codes[at + 4]
    return blue and ('#%02x%02x%02x'):format(red % 256, green % 256, blue % 256), at + 4
  end
  return nil, #codes
end

---@param parameters string of `CSI … m`
---@return integer[]
local function codes_of(parameters)
  local codes = {}
  for part in (parameters .. ';'):gmatch('([^;]*);') do
    -- 4:3 is an underline of another kind; 38:2::r:g:b has an empty place for the colour space.
    part = part:gsub('^4:0$', '24'):gsub('^4:%d$', '4')
    part = part:gsub('^([34]8:2):%d*:(%d+:%d+:%d+)$', '%1:%2')
    for code in (part .. ':'):gmatch('(%d*):') do
      codes[#codes + 1] = tonumber(code) or 0
    end
  end
  return codes
end

---@param style hotplate.Style
---@param parameters string of `CSI … m`
---@return hotplate.Style
local function apply(style, parameters)
  local codes = codes_of(parameters)
  local at = 1
  while codes[at] do
    local code = codes[at]
    if code == 0 then
      style = {}
    elseif ON[code] then
      style[ON[code]] = true
    elseif OFF[code] then
      for _, attribute in ipairs(OFF[code]) do
        style[attribute] = nil
      end
    elseif code == 38 then
      style.fg, at = extended(codes, at)
    elseif code == 48 then
      style.bg, at = extended(codes, at)
    elseif code == 39 then
      style.fg = nil
    elseif code == 49 then
      style.bg = nil
    elseif code >= 30 and code <= 37 then
      style.fg = code - 30
    elseif code >= 40 and code <= 47 then
      style.bg = code - 40
    elseif code >= 90 and code <= 97 then
      style.fg = code - 82
    elseif code >= 100 and code <= 107 then
      style.bg = code - 92
    end
    at = at + 1
  end
  return style
end

--- The escape sequence that begins here: a colour, or another one, which is left out.
---@param text string
---@param at integer where the escape stands
---@return integer behind index behind the sequence
---@return string? parameters of a colour
local function sequence(text, at)
  local _, last, parameters, final = text:find('^\27%[([0-?]*)[ -/]*([@-~])', at)
  if last then
    return last + 1, final == 'm' and parameters or nil
  end
  _, last = text:find('^\27%][^\7\27]*[\7\27]\\?', at) -- a title, a link
  if not last then
    _, last = text:find('^\27[@-Z\\-_]', at)
  end
  return (last or at) + 1
end

--- What a terminal would show of a line that is written over: a progress bar's last state.
---@param line string
---@return string
local function last_state(line)
  line = line:gsub('\r+$', '')
  return line:match('[^\r]*$')
end

--- Read a line. A colour can go on over several, so the style goes in and comes out.
---@param line string
---@param style hotplate.Style
---@return string plain
---@return hotplate.Span[] spans
---@return hotplate.Style style at the line's end
function M.read(line, style)
  line = last_state(line)
  local plain, length, spans, at = {}, 0, {}, 1
  while at <= #line do
    local escape = line:find('\27', at, true)
    local part = line:sub(at, (escape or #line + 1) - 1)
    if part ~= '' then
      local group = group_of(style)
      if group then
        spans[#spans + 1] = { first = length, last = length + #part, group = group }
      end
      plain[#plain + 1] = part
      length = length + #part
    end
    if not escape then
      break
    end
    local parameters
    at, parameters = sequence(line, escape)
    style = parameters and apply(style, parameters) or style
  end
  return table.concat(plain), spans, style
end

return M
