--- What the plugin adds to the client's configuration in `lsp/hotplate.lua`.

---@type vim.lsp.Config
return {
  -- The output comes to us, not into the log; the PIN is shown by us.
  capabilities = { experimental = { hotplate = true } },
  handlers = {
    ['hotplate/output'] = function(_, params)
      require('hotplate.output').add(params)
    end,
  },
  commands = {
    -- The code lens “Show the PIN”.
    ['hotplate.debuggerPin'] = function(command, ctx)
      local client = assert(vim.lsp.get_client_by_id(ctx.client_id))
      require('hotplate.pin').copy(client, (command.arguments or {})[1])
    end,
  },
}
