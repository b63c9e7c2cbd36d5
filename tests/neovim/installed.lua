-- What there is after the plugin has been installed in some way, and what it has left alone.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')

driver.run(function()
  local config = vim.lsp.config.hotplate
  local files = vim.api.nvim_get_runtime_file('lsp/hotplate.lua', true)
  vim.cmd('help :Hotplate-tracebacks')
  driver.tell('installed', {
    command = vim.fn.exists(':Hotplate'),
    cmd = config.cmd,
    output = config.handlers['hotplate/output'] ~= nil,
    files = vim.tbl_map(vim.uv.fs_realpath, files),
    help = vim.uv.fs_realpath(vim.api.nvim_buf_get_name(0)),
  })
end)
