-- `lsp/hotplate.lua` copied by itself, with no plugin: the editor's own means have it all.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local tell, wait = driver.tell, driver.wait
local states, generation, url = {}, 0, nil

local notices = {}
vim.notify = function(message)
  notices[#notices + 1] = message
end

vim.api.nvim_create_autocmd('User', {
  pattern = 'HotplateState',
  callback = function(event)
    states[#states + 1] = event.data.state
    generation, url = event.data.generation, event.data.url
  end,
})

local function state(name)
  wait('state ' .. name, function()
    return states[#states] == name
  end)
end

-- Nobody has vouched for the folder: the person is asked.
local asked = {}
vim.ui.select = function(items, options, choose)
  local titles = vim.tbl_map(options.format_item or tostring, items)
  asked[#asked + 1] = { prompt = options.prompt, choices = titles }
  choose(items[1])
end

driver.run(function()
  state('running')
  tell('asked', { questions = asked })
  local client = vim.lsp.get_clients({ name = 'hotplate' })[1]
  tell('running', { root = client.root_dir, command = vim.fn.exists(':Hotplate') })

  vim.cmd('LspHotplateDebugger')
  tell('refused', {
    notice = wait('a refusal', function()
      return notices[1]
    end),
  })

  vim.api.nvim_buf_set_lines(0, 0, 1, false, { 'import nothing_like_it' })
  vim.cmd('silent write')
  state('failed')
  local found = wait('a diagnostic', function()
    return vim.diagnostic.get(0)[1]
  end)
  tell('failed', { lnum = found.lnum, col = found.col, status = vim.g.hotplate_status })

  vim.cmd('LspHotplateStop')
  state('stopped')
  vim.api.nvim_buf_set_lines(0, 0, 1, false, { 'import json' })
  vim.cmd('silent write')
  vim.cmd('LspHotplateStart')
  state('running')
  vim.cmd('LspHotplateRestart')
  wait('a third start', function()
    return generation >= 4 and states[#states] == 'running'
  end)
  vim.cmd('LspHotplatePin')
  tell('pin', {
    shown = wait('the PIN', function()
      local shown = vim.fn.execute('messages') .. table.concat(notices, '\n')
      return shown:match("The debugger's PIN: [%d-]+") -- 0.12 notifies, 0.11 writes a message
    end),
  })
  client:stop()
  wait('an empty status', function()
    return vim.g.hotplate_status == ''
  end)
  tell('gone', { state = states[#states], url = url })
end)
