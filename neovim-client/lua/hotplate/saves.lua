--- Saves of files that no language server is attached to.
---
--- Neovim sends `textDocument/didSave` for buffers of the configured filetypes only. An app can be
--- made of other files too: a `config.json` or an `openapi.yaml` that it reads while it starts.

local M = {}

---@param buffer integer
function M.tell(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  if vim.bo[buffer].buftype ~= '' or path == '' then
    return
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'hotplate' })) do
    local inside = client.root_dir and vim.fs.relpath(client.root_dir, path)
    if inside and not client.attached_buffers[buffer] then
      local document = { uri = vim.uri_from_fname(path) }
      client:notify('textDocument/didSave', { textDocument = document })
    end
  end
end

return M
