-- `:Hotplate` with two apps: which one is meant, completion, the doctor, the health.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local person = require('person')
local tell, wait = driver.tell, driver.wait

local asked = {}
vim.ui.select = function(items, options, choose)
  asked[#asked + 1] = vim.tbl_map(options.format_item, items)
  choose(items[1])
end

local function state_of(name, wanted)
  return wait(name .. ' ' .. wanted, function()
    for index = #person.states, 1, -1 do
      local each = person.states[index]
      if each.name == name then
        return each.state == wanted and each
      end
    end
  end)
end

local function complete(line)
  return vim.fn.getcompletion(line, 'cmdline')
end

local function health()
  vim.cmd('checkhealth hotplate')
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  vim.cmd('bwipeout')
  return lines
end

driver.run(function()
  local shop, admin = state_of('shop', 'running'), state_of('admin two', 'running')
  tell('running', { status = vim.g.hotplate_status, urls = { shop.url, admin.url } })
  tell('completion', {
    subcommands = complete('Hotplate '),
    begun = complete('Hotplate re'),
    apps = complete('Hotplate stop '),
    app = complete('Hotplate stop ad'),
    tracebacks = complete('Hotplate tracebacks '),
    none = complete('Hotplate doctor '),
    unknown = complete('Hotplate nothing '),
  })

  vim.cmd('Hotplate stop admin\\ two')
  state_of('admin two', 'stopped')
  vim.cmd('Hotplate stop')
  wait('the choice', function()
    return #asked > 0
  end)
  tell('asked', { choices = asked, stopped = state_of('shop', 'stopped').name })

  vim.cmd('Hotplate start nobody')
  vim.cmd('Hotplate nonsense')
  tell('wrong', {
    app = person.notice('nobody'),
    subcommand = person.notice('nonsense'),
  })

  vim.cmd('Hotplate output shop')
  local printed = person.shown('hotplate://output', 'this is app 1')
  tell('output', { name = vim.api.nvim_buf_get_name(0), lines = printed })
  vim.cmd('close')
  vim.cmd('Hotplate output admin\\ two')
  printed = person.shown('hotplate://output', 'this is app 2')
  tell('other output', { name = vim.api.nvim_buf_get_name(0), lines = printed })
  vim.cmd('close')

  vim.cmd('Hotplate doctor')
  local lines = person.shown('hotplate://doctor', 'App “shop”')
  local namespace = vim.api.nvim_get_namespaces()['hotplate.scratch']
  tell('doctor', { lines = lines, marks = #vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, {}) })
  vim.cmd('Hotplate doctor') -- afresh, in the same place
  person.shown('hotplate://doctor', 'App “shop”')
  tell('doctor again', { windows = #vim.api.nvim_list_wins() })
  vim.cmd('close')

  tell('health', { lines = health() })
  for _, client in ipairs(vim.lsp.get_clients({ name = 'hotplate' })) do
    client:stop()
  end
  wait('no client', function()
    return #vim.lsp.get_clients({ name = 'hotplate' }) == 0
  end)
  -- What they have printed can be read all the same.
  asked = {}
  vim.cmd('Hotplate output')
  person.shown('hotplate://output', 'this is app')
  vim.cmd('close')
  vim.cmd('Hotplate output shop')
  person.shown('hotplate://output', 'this is app 1')
  vim.cmd('close')
  vim.cmd('Hotplate output admin\\ two')
  printed = person.shown('hotplate://output', 'this is app 2')
  vim.cmd('close')
  vim.cmd('Hotplate output nobody')
  tell('ended', { asked = asked, lines = printed, nobody = person.notice('no output of nobody') })

  vim.lsp.enable('hotplate', false)
  vim.lsp.config('hotplate', { cmd = { '/no/such/hotplate', 'lsp' } })
  vim.lsp.log.set_level('debug')
  tell('ill', { lines = health() })
  vim.cmd('Hotplate doctor')
  vim.cmd('Hotplate restart')
  tell('refused', {
    doctor = person.notice('cannot be run'),
    restart = person.notice('no server'),
  })
end)
