--- `:Hotplate`: what the person can do.

local apps = require('hotplate.apps')

local M = {}

---@class hotplate.Subcommand
---@field run fun(arguments: string[])
---@field complete? fun(): string[] what may follow it

--- One that the server performs, on the app that is named or meant.
---@param command string
---@return hotplate.Subcommand
local function on_app(command)
  return {
    run = function(arguments)
      apps.with_app(arguments[1], function(client, argument)
        apps.execute(client, command, argument)
      end)
    end,
    complete = apps.names,
  }
end

---@type table<string, hotplate.Subcommand>
local subcommands = {
  start = on_app('start'),
  stop = on_app('stop'),
  restart = on_app('restart'),
  open = on_app('openInBrowser'),
  pin = {
    run = function(arguments)
      apps.with_app(arguments[1], require('hotplate.pin').copy)
    end,
    complete = apps.names,
  },
  output = {
    run = function(arguments)
      require('hotplate.output').open(arguments[1])
    end,
    complete = apps.names,
  },
  debugger = {
    run = function(arguments)
      require('hotplate.tracebacks').debug(arguments[1])
    end,
  },
  tracebacks = {
    run = function(arguments)
      require('hotplate.tracebacks').show(arguments)
    end,
    complete = function()
      return { 'float' }
    end,
  },
  doctor = {
    run = function()
      require('hotplate.doctor').run()
    end,
  },
}

---@return string[]
local function names()
  local all = vim.tbl_keys(subcommands)
  table.sort(all)
  return all
end

--- `:Hotplate …`
---@param arguments string[]
function M.run(arguments)
  local subcommand = subcommands[arguments[1]]
  if subcommand then
    subcommand.run(vim.list_slice(arguments, 2))
  else
    local known = table.concat(names(), ', ')
    apps.say(
      ('there is no :Hotplate %s: there is %s.'):format(arguments[1], known),
      vim.log.levels.ERROR
    )
  end
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local first = line:match('^.*Hotplate%s+(%S+)%s')
  local candidates = names()
  if first then
    local complete = (subcommands[first] or {}).complete
    candidates = vim.tbl_map(function(name)
      return vim.fn.escape(name, ' \\')
    end, complete and complete() or {})
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, candidates)
end

return M
