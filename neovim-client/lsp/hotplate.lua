---@brief
---
--- `hotplate`, a language server that runs your Flask app. Each save is live at once, and each
--- error lands on its line.
---
--- ```sh
--- pipx install .     # in a checkout of Hotplate; or: uv tool install .
--- ```
---
--- This file is enough by itself: `vim.lsp.enable('hotplate')`. It sets `vim.g.hotplate_status`, a
--- short text for a statusline, and fires `User HotplateState` and `User HotplateTraceback`, whose
--- `data` is the message of the same name (see `docs/protocol.md`) with the `client_id` added.
---
--- In the project's buffers there are `:LspHotplateStart`, `:LspHotplateStop`,
--- `:LspHotplateRestart`, `:LspHotplateOpen`, `:LspHotplateDebugger` and `:LspHotplatePin`. With the
--- whole plugin there is `:Hotplate` in their place.
---
--- Nothing is run in a folder before you have said so. Answer the question that is asked, or set
--- `init_options = { trusted = true }` for the folders that you vouch for.

---@type table<integer, table<string, hotplate.State>> what was told, by client and app
local told = {}

local marks = { running = '●', failed = '✗', stopped = '○' }

---@param state hotplate.State
---@return string
local function describe(state)
  local name = state.name:gsub('%%', '') -- a statusline would take it for an item
  local port = state.url and state.url:match(':%d+$')
  return table.concat({ marks[state.state] or '◌', name, port }, ' ')
end

local function show_status()
  local parts = {}
  for _, apps in vim.spairs(told) do
    for _, state in vim.spairs(apps) do
      parts[#parts + 1] = describe(state)
    end
  end
  vim.g.hotplate_status = table.concat(parts, '  ')
  vim.cmd.redrawstatus({ bang = true })
end

---@param pattern 'HotplateState'|'HotplateTraceback'
---@param params table
---@param client_id integer
local function fire(pattern, params, client_id)
  local data = vim.tbl_extend('force', params, { client_id = client_id })
  vim.api.nvim_exec_autocmds('User', { pattern = pattern, modeline = false, data = data })
end

---@param params hotplate.State
---@param client_id integer
local function on_state(params, client_id)
  told[client_id] = told[client_id] or {}
  told[client_id][params.app] = params
  show_status()
  fire('HotplateState', params, client_id)
end

---@param app string
---@param client_id integer
local function on_removed(app, client_id)
  if told[client_id] then
    told[client_id][app] = nil
    show_status()
  end
end

--- What shows that a folder is a project, the surest first.
local markers = {
  { 'pyproject.toml', 'setup.cfg', 'setup.py', 'requirements.txt', 'Pipfile', '.flaskenv' },
  { 'wsgi.py', 'app.py' },
  { '.git' },
}

--- Not the project of an installed library: a person who follows a traceback into one still works
--- on their own.
---@param buffer integer
---@param on_dir fun(root?: string)
local function find_root(buffer, on_dir)
  local path = vim.api.nvim_buf_get_name(buffer)
  if not path:find('/site-packages/', 1, true) and not path:find('/dist-packages/', 1, true) then
    on_dir(vim.fs.root(buffer, vim.lsp.config.hotplate.root_markers))
  end
end

---@type vim.lsp.Config
local config = {
  cmd = { 'hotplate', 'lsp' },
  filetypes = { 'python', 'html', 'htmldjango', 'jinja', 'toml' },
  -- Nested lists, whose members count the same, came with 0.11.3.
  root_markers = vim.fn.has('nvim-0.11.3') == 1 and markers
    or vim.iter(markers):flatten():totable(),
  root_dir = find_root,
  workspace_required = true,
  settings = { hotplate = vim.empty_dict() },
  handlers = {
    ['hotplate/state'] = function(_, params, ctx)
      on_state(params, ctx.client_id)
    end,
    ['hotplate/removed'] = function(_, params, ctx)
      on_removed(params.app, ctx.client_id)
    end,
    ['hotplate/traceback'] = function(_, params, ctx)
      fire('HotplateTraceback', params, ctx.client_id)
    end,
  },
  on_exit = function(_, _, client_id)
    vim.schedule(function()
      local apps = told[client_id] or {}
      told[client_id] = nil
      show_status()
      for _, state in pairs(apps) do
        state.state, state.url, state.pid = 'stopped', nil, nil
        fire('HotplateState', state, client_id)
      end
    end)
  end,
}

--- The server's commands, for a person who has this file alone.
---@param client vim.lsp.Client
---@param buffer integer
local function add_commands(client, buffer)
  for name, command in pairs({
    Start = 'start',
    Stop = 'stop',
    Restart = 'restart',
    Open = 'openInBrowser',
    Debugger = 'openDebugger',
    Pin = 'debuggerPin',
  }) do
    local run = { title = name, command = 'hotplate.' .. command, arguments = { { show = true } } }
    vim.api.nvim_buf_create_user_command(buffer, 'LspHotplate' .. name, function()
      client:exec_cmd(run, { bufnr = buffer }, function(err)
        if err then
          vim.notify('Hotplate: ' .. err.message, vim.log.levels.ERROR)
        end
      end)
    end, { desc = 'Hotplate: ' .. name:lower() })
  end
end

-- Where the rest of the plugin is installed too, it shows the output and the PIN itself.
local with_plugin = #vim.api.nvim_get_runtime_file('lua/hotplate/client.lua', false) > 0
local more = with_plugin and require('hotplate.client') or { on_attach = add_commands }
return vim.tbl_deep_extend('force', config, more)
