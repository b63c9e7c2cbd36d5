--- The server's program, as the person has configured it.

local M = {}

---@class hotplate.Program
---@field command string[]
---@field env? table<string, string>

--- How to run another of its subcommands: `hotplate lsp` becomes `hotplate doctor …`.
---@param arguments string[]
---@return hotplate.Program? program nil where `cmd` is a function
function M.program(arguments)
  local config = vim.lsp.config.hotplate
  local cmd = config and config.cmd
  if type(cmd) ~= 'table' then
    return nil
  end
  local command = {}
  for _, word in ipairs(cmd) do
    if word ~= 'lsp' and word ~= '--stdio' then
      command[#command + 1] = word
    end
  end
  return { command = vim.list_extend(command, arguments), env = config.cmd_env }
end

--- The folder of the project that the current buffer belongs to.
---@return string
function M.folder()
  local client = vim.lsp.get_clients({ name = 'hotplate', bufnr = 0 })[1]
    or vim.lsp.get_clients({ name = 'hotplate' })[1]
  if client and client.root_dir then
    return client.root_dir
  end
  local config = vim.lsp.config.hotplate
  local from = vim.bo.buftype == '' and vim.api.nvim_buf_get_name(0) ~= '' and 0 or vim.fn.getcwd()
  return config and vim.fs.root(from, config.root_markers) or vim.fn.getcwd()
end

return M
