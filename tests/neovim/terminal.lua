-- The same person at a terminal: a statusline, problems beside their lines, the machine's clipboard.

dofile(vim.fs.joinpath(vim.fs.dirname(vim.env.HOTPLATE_STORY), 'init.lua'))
vim.g.clipboard = nil

vim.o.statusline = "%f %m%=%{get(g:, 'hotplate_status', '')} "
vim.o.number = true
vim.o.hlsearch = false
vim.o.signcolumn = 'yes'
vim.diagnostic.config({ virtual_text = true })
