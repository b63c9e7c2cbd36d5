-- The person's configuration: what README says, with the server of this checkout.
-- nvim --clean --headless -u init.lua FILE -S story.lua

vim.opt.swapfile = false
vim.opt.runtimepath:prepend(vim.env.HOTPLATE_PLUGIN)
vim.opt.packpath = vim.o.runtimepath

-- A headless Neovim has no clipboard: here is one.
_G.clipboard = {}
vim.g.clipboard = {
  name = 'test',
  copy = {
    ['+'] = function(lines)
      _G.clipboard = lines
    end,
    ['*'] = function() end,
  },
  paste = {
    ['+'] = function()
      return _G.clipboard
    end,
    ['*'] = function()
      return {}
    end,
  },
}

vim.lsp.config('hotplate', {
  cmd = { vim.env.HOTPLATE_PYTHON, '-m', 'hotplate', 'lsp' },
  cmd_env = { PYTHONPATH = vim.env.HOTPLATE_SERVER },
  init_options = { trusted = vim.env.HOTPLATE_TRUSTED == 'yes' },
  settings = {
    hotplate = { interpreter = vim.env.HOTPLATE_PYTHON, port = tonumber(vim.env.HOTPLATE_PORT) },
  },
})
if vim.env.HOTPLATE_WATCH then
  vim.lsp.config('hotplate', {
    capabilities = { workspace = { didChangeWatchedFiles = { dynamicRegistration = true } } },
  })
end
vim.lsp.enable('hotplate')
