-- The main job, as a person does it: edit, break, mend, raise, look.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local tell, wait = driver.tell, driver.wait
local port = assert(tonumber(vim.env.HOTPLATE_PORT))

local states, tracebacks, notices = {}, {}, {}

vim.api.nvim_create_autocmd('User', {
  pattern = 'HotplateState',
  callback = function(event)
    states[#states + 1] = event.data
  end,
})
vim.api.nvim_create_autocmd('User', {
  pattern = 'HotplateTraceback',
  callback = function(event)
    tracebacks[#tracebacks + 1] = event.data
  end,
})
vim.notify = function(message)
  notices[#notices + 1] = message
end

--- Wait for a state of a start that has not been seen yet.
local generation = 0
local function state(name)
  local found = wait('state ' .. name, function()
    for _, each in ipairs(states) do
      if each.state == name and each.generation > generation then
        return each
      end
    end
  end)
  generation = found.generation
  return found
end

--- Replace one text of the buffer by another, and save.
local function edit(before, after)
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  local from, to = text:find(before, 1, true)
  assert(from, 'not in the buffer: ' .. before)
  text = text:sub(1, from - 1) .. after .. text:sub(to + 1)
  vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(text, '\n'))
  vim.cmd('silent write')
end

driver.run(function()
  wait('the client is attached', function()
    return vim.lsp.get_clients({ name = 'hotplate', bufnr = 0 })[1]
  end)
  local running = state('running')
  tell(
    'running',
    { state = running, status = vim.g.hotplate_status, body = { driver.get(port, '/') } }
  )

  edit('first', 'second')
  wait('the save is heard', function()
    return states[#states].generation > generation
  end)
  tell('edited', { body = { driver.get(port, '/') } }) -- the request waits for the new code
  state('running')

  edit("return 'second'", "return 'second'.nothing(")
  state('failed')
  local broken = wait('a diagnostic', function()
    return vim.diagnostic.get(0)[1]
  end)
  tell('broken', {
    lnum = broken.lnum,
    col = broken.col,
    severity = broken.severity,
    source = broken.source,
    message = broken.message,
    status = vim.g.hotplate_status,
    body = { driver.get(port, '/') },
  })

  edit("return 'second'.nothing(", "return 'third'")
  state('running')
  wait('no diagnostic', function()
    return #vim.diagnostic.get(0) == 0
  end)
  tell('mended', { body = { driver.get(port, '/') } })

  local before = #tracebacks
  tell('raised', { body = { driver.get(port, '/price?of=tea') } })
  wait('a traceback', function()
    return #tracebacks > before
  end)
  vim.cmd('Hotplate tracebacks')
  local list = vim.fn.getqflist({ title = 0, items = 0, idx = 0 })
  local entries = vim.tbl_map(function(item)
    local name = item.bufnr > 0 and vim.api.nvim_buf_get_name(item.bufnr) or ''
    return {
      name = name,
      lnum = item.lnum,
      col = item.col,
      end_col = item.end_col,
      text = item.text,
      valid = item.valid,
    }
  end, list.items)
  tell('quickfix', { title = list.title, idx = list.idx, entries = entries })
  vim.cmd('cc')
  tell('jumped', { cursor = vim.api.nvim_win_get_cursor(0), name = vim.api.nvim_buf_get_name(0) })
  vim.cmd('cclose')

  vim.cmd('Hotplate pin')
  wait('the PIN', function()
    return _G.clipboard[1]
  end)
  tell(
    'pin',
    { register = vim.fn.getreg('+'), notices = notices, messages = vim.fn.execute('messages') }
  )

  -- The lens “Show the PIN” does the same, not the server's own message.
  _G.clipboard = {}
  local client = vim.lsp.get_clients({ name = 'hotplate' })[1]
  client:exec_cmd({ title = 'Show the PIN', command = 'hotplate.debuggerPin' })
  wait('the PIN again', function()
    return _G.clipboard[1]
  end)

  vim.cmd('Hotplate output')
  wait('the output', function()
    return vim.fn.search('priced', 'nw') > 0
  end)
  tell('output', { lines = vim.api.nvim_buf_get_lines(0, 0, -1, false) })
  vim.cmd('close')

  vim.fn.writefile({ '{"greeting": "from the file"}' }, 'greeting.json')
  vim.cmd('silent edit greeting.json')
  edit('from the file', 'from a saved file')
  local saved = state('running')
  tell('other file', { files = saved.files, body = { driver.get(port, '/greeting') } })

  vim.cmd('Hotplate restart')
  tell('restarted', { state = state('running') })

  vim.cmd('Hotplate stop')
  wait('state stopped', function()
    return states[#states].state == 'stopped'
  end)
  tell('stopped', { status = vim.g.hotplate_status })
  vim.cmd('Hotplate start')
  local again = state('running')
  tell('started', { state = again, completion = vim.fn.getcompletion('Hotplate ', 'cmdline') })
end)
