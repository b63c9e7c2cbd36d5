-- luacheck neovim-client tests/neovim
std = 'luajit'
cache = false
max_line_length = false -- StyLua's concern; a type's line can't be broken
globals = { 'vim' }
