--- `:checkhealth hotplate`

local server = require('hotplate.server')

local M = {}

local SECONDS = 10

local function check_editor()
  vim.health.start('Neovim')
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok('Neovim ' .. tostring(vim.version()))
  else
    vim.health.error('Neovim 0.11 or later is needed.')
  end
  if vim.fn.has('clipboard') == 1 then
    vim.health.ok('`:Hotplate pin` puts the PIN into the clipboard.')
  else
    vim.health.warn('There is no clipboard: `:Hotplate pin` shows the PIN.', 'See |clipboard|.')
  end
  if vim.lsp.log.get_level() <= vim.log.levels.DEBUG then
    vim.health.warn(
      'The log of language servers holds whole messages, the PIN of the debugger included.',
      "Use `vim.lsp.log.set_level('warn')`, and delete " .. vim.lsp.log.get_filename()
    )
  end
end

local function check_program()
  vim.health.start('The server')
  local program = server.program({ '--version' })
  if not program then
    vim.health.info('`cmd` is a function of yours: its program is not looked at.')
    return
  end
  local name = program.command[1]
  if vim.fn.executable(name) == 0 then
    vim.health.error(
      ('`%s` is not executable.'):format(name),
      "Install it (`pipx install .` in a checkout), or name it: `vim.lsp.config('hotplate', { cmd = { '/path/to/hotplate', 'lsp' } })`."
    )
    return
  end
  local done = vim.system(program.command, { env = program.env, text = true }):wait(SECONDS * 1000)
  if done.code == 0 then
    vim.health.ok(vim.trim(done.stdout) .. ': ' .. vim.fn.exepath(name))
  else
    vim.health.error(
      ('`%s` fails.'):format(table.concat(program.command, ' ')),
      vim.trim(done.stderr)
    )
  end
end

local function check_configuration()
  vim.health.start('The configuration')
  if vim.lsp.is_enabled and not vim.lsp.is_enabled('hotplate') then
    vim.health.warn('It is not enabled.', "Put `vim.lsp.enable('hotplate')` into your init.lua.")
  end
  local files = vim.api.nvim_get_runtime_file('lsp/hotplate.lua', true)
  if #files > 1 then
    vim.health.warn(
      'There are several `lsp/hotplate.lua`; they are merged: ' .. table.concat(files, ', '),
      'Keep one: the copy in your configuration is not needed beside the plugin.'
    )
  else
    vim.health.ok(files[1] or 'Yours alone; there is no `lsp/hotplate.lua`.')
  end
  local own = vim.lsp.config.hotplate and vim.lsp.config.hotplate.capabilities or {}
  local all = vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), own)
  if vim.tbl_get(all, 'workspace', 'didChangeWatchedFiles', 'dynamicRegistration') then
    vim.health.ok('Neovim watches the files of the project, also those that are not open.')
  else
    vim.health.info(
      'Neovim does not watch files here. Changes from outside are noticed in open files, at '
        .. '`:checktime` and when Neovim gets the focus. See |hotplate-saves|.'
    )
  end
end

---@param client vim.lsp.Client
local function check_client(client)
  local params = { command = 'hotplate.state', arguments = { vim.empty_dict() } }
  local answer = client:request_sync('workspace/executeCommand', params, SECONDS * 1000)
  local apps = answer and answer.result and answer.result.apps
  if not apps then
    vim.health.error(('The server for %s does not answer.'):format(client.root_dir))
  elseif #apps == 0 then
    vim.health.warn(
      ('There is no Flask app in %s.'):format(client.root_dir),
      '`:Hotplate doctor` says where it was looked for.'
    )
  end
  for _, state in ipairs(apps or {}) do
    local say = state.state == 'failed' and vim.health.error or vim.health.ok
    say(('%s in %s: %s'):format(state.name, client.root_dir, state.url or state.state))
  end
end

local function check_apps()
  vim.health.start('The apps')
  local clients = vim.lsp.get_clients({ name = 'hotplate' })
  if #clients == 0 then
    vim.health.info(
      'No server is running. One starts with the first file of a project, which is a folder with '
        .. 'a `pyproject.toml`, `requirements.txt`, `app.py`, `wsgi.py` or `.git`.'
    )
  end
  vim.iter(clients):each(check_client)
end

function M.check()
  check_editor()
  check_program()
  check_configuration()
  check_apps()
end

return M
