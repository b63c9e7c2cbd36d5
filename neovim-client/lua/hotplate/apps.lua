--- The servers and their apps: which one is meant, and what it is told to do.

local M = {}

---@param message string
---@param level? integer
function M.say(message, level)
  vim.notify('Hotplate: ' .. message, level or vim.log.levels.INFO)
end

---@return vim.lsp.Client[]
local function clients()
  return vim.lsp.get_clients({ name = 'hotplate' })
end

---@param command string without the prefix, such as `restart`
---@param argument? table
local function params(command, argument)
  return { command = 'hotplate.' .. command, arguments = { argument or vim.empty_dict() } }
end

--- Run one of the server's commands. Errors are shown to the person.
---@param client vim.lsp.Client
---@param command string without the prefix, such as `restart`
---@param argument? table
---@param done? fun(result: any) with nil where it could not be done
function M.execute(client, command, argument, done)
  done = done or function() end
  client:request('workspace/executeCommand', params(command, argument), function(err, result)
    if err then
      M.say(err.message, vim.log.levels.ERROR)
    end
    done(not err and result or nil)
  end)
end

---@class hotplate.Choice
---@field client vim.lsp.Client
---@field state? hotplate.State nil where the server has found no app yet

---@param client vim.lsp.Client
---@param states hotplate.State[]
---@return hotplate.Choice[]
local function choices_of(client, states)
  if #states == 0 then
    return { { client = client } }
  end
  return vim.tbl_map(function(state)
    return { client = client, state = state }
  end, states)
end

--- All apps of all servers, asked for afresh.
---@param done fun(choices: hotplate.Choice[])
local function find(done)
  local found, left = {}, clients()
  local function next_one()
    local client = table.remove(left, 1)
    if not client then
      done(found)
      return
    end
    M.execute(client, 'state', nil, function(result)
      vim.list_extend(found, result and choices_of(client, result.apps) or {})
      next_one()
    end)
  end
  next_one()
end

---@param choices hotplate.Choice[]
---@param name string
---@return hotplate.Choice[]
local function named(choices, name)
  return vim.tbl_filter(function(choice)
    return choice.state ~= nil and choice.state.name == name
  end, choices)
end

---@param choices hotplate.Choice[]
---@return string[]
local function names_in(choices)
  local names = {}
  for _, choice in ipairs(choices) do
    names[#names + 1] = choice.state and choice.state.name
  end
  table.sort(names)
  return vim.fn.uniq(names)
end

--- The names of all apps, for completion. It waits for the servers, a moment at most.
---@return string[]
function M.names()
  local found = {}
  for _, client in ipairs(clients()) do
    local answer = client:request_sync('workspace/executeCommand', params('state'), 300)
    vim.list_extend(found, answer and answer.result and answer.result.apps or {})
  end
  return names_in(vim.tbl_map(function(state)
    return { state = state }
  end, found))
end

---@param choices hotplate.Choice[]
---@param take fun(choice: hotplate.Choice)
local function choose(choices, take)
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
  }, function(choice)
    if choice then
      take(choice)
    end
  end)
end

--- Do something with the app that is meant: the one named, the one that there is, or the one
--- chosen.
---@param name? string
---@param done fun(client: vim.lsp.Client, argument: { app?: string })
function M.with_app(name, done)
  if #clients() == 0 then
    M.say(
      'no server is running. Open a file of your project, or see :checkhealth hotplate.',
      vim.log.levels.WARN
    )
    return
  end
  find(function(found)
    local meant = name and named(found, name) or found
    if #meant > 0 then
      choose(meant, function(choice)
        done(choice.client, choice.state and { app = choice.state.app } or vim.empty_dict())
      end)
    elseif name then
      local others = table.concat(names_in(found), ', ')
      local there = others == '' and 'there is none yet.' or ('there is %s.'):format(others)
      M.say(('there is no app %s: %s'):format(name, there), vim.log.levels.ERROR)
    end
  end)
end

return M
