--- What happens to files that the client itself does not tell the server of.
---
--- Neovim sends `textDocument/didSave` for buffers of the configured filetypes only. An app can be
--- made of other files too: a `config.json` or an `openapi.yaml` that it reads while it starts.
--- And on Linux it offers no file events. Yet it notices itself, without a watcher, when the file
--- of a buffer has changed: at `:checktime`, when it gets the focus back, after `:!git checkout`.

local M = {}

---@class hotplate.File
---@field uri string
---@field clients vim.lsp.Client[] in whose folder it is

---@param buffer integer
---@return hotplate.File? file nil where the buffer is no file
local function file_of(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  if vim.bo[buffer].buftype ~= '' or path == '' then
    return nil
  end
  local clients = vim.tbl_filter(function(client)
    return client.root_dir ~= nil and vim.fs.relpath(client.root_dir, path) ~= nil
  end, vim.lsp.get_clients({ name = 'hotplate' }))
  return { uri = vim.uri_from_fname(path), clients = clients }
end

--- A buffer has been written. Clients that are attached to it have told so themselves.
---@param buffer integer
function M.tell_save(buffer)
  local file = file_of(buffer)
  for _, client in ipairs(file and file.clients or {}) do
    if not client.attached_buffers[buffer] then
      local document = { uri = file.uri }
      client:notify('textDocument/didSave', { textDocument = document })
    end
  end
end

--- The file of a buffer has changed, and it was not Neovim that wrote it.
---@param buffer integer
function M.tell_change(buffer)
  local file = file_of(buffer)
  for _, client in ipairs(file and file.clients or {}) do
    local changes = { { uri = file.uri, type = vim.lsp.protocol.FileChangeType.Changed } }
    client:notify('workspace/didChangeWatchedFiles', { changes = changes })
  end
end

return M
