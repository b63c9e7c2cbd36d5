-- So that Neovim's plugin managers can install this repository as it is: the plugin proper is in
-- neovim-client/.

if vim.g.loaded_hotplate then
  return
end

local here = debug.getinfo(1, 'S').source:sub(2)
local client = vim.fs.joinpath(vim.fs.dirname(vim.fs.dirname(here)), 'neovim-client')
vim.opt.runtimepath:append(client)
vim.cmd.source(vim.fs.joinpath(client, 'plugin', 'hotplate.lua'))

-- A manager makes the tags of the repository's own doc/ only.
local doc = vim.fs.joinpath(client, 'doc')
if not vim.uv.fs_stat(vim.fs.joinpath(doc, 'tags')) then
  pcall(vim.cmd.helptags, doc)
end
