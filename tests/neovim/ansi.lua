-- Lines with escape sequences, read one after the other; what is left of them. nvim -l

vim.opt.runtimepath:prepend(vim.env.HOTPLATE_PLUGIN)
local ansi = require('hotplate.ansi')

for _, lines in ipairs(vim.json.decode(io.read('*a'))) do
  local style, read = {}, {}
  for _, line in ipairs(lines) do
    local plain, spans
    plain, spans, style = ansi.read(line, style)
    local parts = {}
    for _, span in ipairs(spans) do
      local colours = vim.api.nvim_get_hl(0, { name = span.group })
      colours.cterm = nil
      parts[#parts + 1] = { plain:sub(span.first + 1, span.last), colours }
    end
    read[#read + 1] = { plain, parts }
  end
  io.stdout:write(vim.json.encode(read) .. '\n')
end
