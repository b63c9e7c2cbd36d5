--- `:Hotplate`: what the person can do.

local M = {}

---@param message string
---@param level? integer
local function say(message, level)
  vim.notify('Hotplate: ' .. message, level or vim.log.levels.INFO)
end

--- Run one of the server's commands. Errors are shown to the person.
---@param client vim.lsp.Client
---@param command string without the prefix, such as `restart`
---@param argument? table
---@param done? fun(result: any)
local function execute(client, command, argument, done)
  local params = { command = 'hotplate.' .. command, arguments = { argument or vim.empty_dict() } }
  client:request('workspace/executeCommand', params, function(err, result)
    if err then
      say(err.message, vim.log.levels.ERROR)
    elseif done then
      done(result)
    end
  end)
end

---@class hotplate.Choice
---@field client vim.lsp.Client
---@field state? hotplate.State nil where the server has found no app yet

--- All apps of all servers, asked for afresh.
---@param done fun(choices: hotplate.Choice[])
local function find_apps(done)
  local clients = vim.lsp.get_clients({ name = 'hotplate' })
  local choices, left = {}, #clients
  for _, client in ipairs(clients) do
    execute(client, 'state', nil, function(result)
      for _, state in ipairs(result.apps) do
        choices[#choices + 1] = { client = client, state = state }
      end
      if #result.apps == 0 then
        choices[#choices + 1] = { client = client }
      end
      left = left - 1
      if left == 0 then
        done(choices)
      end
    end)
  end
end

--- Do something with the app that is meant: the one that there is, or the one chosen.
---@param done fun(client: vim.lsp.Client, argument: { app?: string })
local function with_app(done)
  if #vim.lsp.get_clients({ name = 'hotplate' }) == 0 then
    say(
      "it is not running. Open a file of your project (vim.lsp.enable('hotplate')).",
      vim.log.levels.WARN
    )
    return
  end
  ---@param choice? hotplate.Choice
  local function take(choice)
    if choice then
      done(choice.client, choice.state and { app = choice.state.app } or vim.empty_dict())
    end
  end
  find_apps(function(choices)
    if #choices == 1 then
      take(choices[1])
      return
    end
    vim.ui.select(choices, {
      prompt = 'Which app?',
      format_item = function(choice)
        local state = choice.state
        return state and ('%s (%s)'):format(state.name, state.state) or choice.client.root_dir
      end,
    }, take)
  end)
end

--- Put the debugger's PIN into the clipboard. It is shown only where there is none.
---@param client vim.lsp.Client
---@param argument? { app?: string }
function M.copy_pin(client, argument)
  execute(client, 'debuggerPin', argument, function(result)
    local pin = result and result.pin
    if type(pin) ~= 'string' then
      say('the debugger asks for no PIN.')
    elseif vim.fn.has('clipboard') == 1 then
      vim.fn.setreg('+', pin)
      say('the PIN is in the clipboard (register +).')
    else
      -- Not into another register: Neovim writes those to its shada file. Nor into :messages.
      vim.api.nvim_echo({ { 'There is no clipboard. The PIN is ' .. pin } }, false, {})
    end
  end)
end

---@type table<string, fun(argument?: string)>
local subcommands = {
  pin = function()
    with_app(M.copy_pin)
  end,
  tracebacks = function(back)
    require('hotplate.tracebacks').show(tonumber(back) or 1)
  end,
  output = function()
    require('hotplate.output').open()
  end,
}

for name, command in pairs({
  start = 'start',
  stop = 'stop',
  restart = 'restart',
  open = 'openInBrowser',
  debugger = 'openDebugger',
}) do
  subcommands[name] = function()
    with_app(function(client, argument)
      execute(client, command, argument)
    end)
  end
end

--- `:Hotplate …`
---@param arguments string[]
function M.run(arguments)
  local subcommand = subcommands[arguments[1]]
  if subcommand then
    subcommand(arguments[2])
  else
    say(('there is no :Hotplate %s.'):format(arguments[1]), vim.log.levels.ERROR)
  end
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  if line:match('Hotplate%s+%S+%s') then
    return {}
  end
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(subcommands))
  table.sort(names)
  return names
end

return M
