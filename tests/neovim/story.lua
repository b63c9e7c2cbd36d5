-- The main job, as a person does it: edit, break, mend, raise, look.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local person = require('person')
local tell, wait = driver.tell, driver.wait
local edit, look, state = person.edit, person.look, person.state

driver.run(function()
  wait('the client is attached', function()
    return vim.lsp.get_clients({ name = 'hotplate', bufnr = 0 })[1]
  end)
  local running = state('running')
  tell('running', { state = running, status = vim.g.hotplate_status, body = look('/') })
  vim.cmd('Hotplate open')
  tell('opened', { addresses = person.browser(0) })

  edit('first', 'second')
  wait('the save is heard', function()
    return person.states[#person.states].generation > person.generation
  end)
  tell('edited', { body = look('/') }) -- the request waits for the new code
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
    body = look('/'),
  })

  edit("return 'second'.nothing(", "return 'third'")
  state('running')
  wait('no diagnostic', function()
    return #vim.diagnostic.get(0) == 0
  end)
  tell('mended', { body = look('/') })

  tell('raised', { body = person.raise('/price?of=tea') })
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
  tell('quickfix', {
    title = list.title,
    idx = list.idx,
    entries = entries,
    lines = vim.api.nvim_buf_get_lines(0, 0, -1, false),
  })
  vim.cmd('cc')
  tell('jumped', { cursor = vim.api.nvim_win_get_cursor(0), name = vim.api.nvim_buf_get_name(0) })
  vim.cmd('cfirst | cnext')
  tell('walked', {
    name = vim.api.nvim_buf_get_name(0),
    line = vim.api.nvim_get_current_line(),
    clients = #vim.lsp.get_clients({ name = 'hotplate' }),
  })
  vim.cmd('cclose | edit app.py')

  vim.cmd('Hotplate debugger')
  vim.cmd('Hotplate pin')
  wait('the PIN', function()
    return _G.clipboard[1]
  end)
  driver.pause('debugger', {
    addresses = person.browser(1),
    register = vim.fn.getreg('+'),
    notices = person.notices,
    messages = vim.fn.execute('messages'),
  })

  -- The lens “Show the PIN” does the same, not the server's own message.
  _G.clipboard = {}
  local client = vim.lsp.get_clients({ name = 'hotplate' })[1]
  client:exec_cmd({ title = 'Show the PIN', command = 'hotplate.debuggerPin' })
  wait('the PIN again', function()
    return _G.clipboard[1]
  end)

  vim.fn.writefile({ '{"greeting": "from the file"}' }, 'greeting.json')
  vim.cmd('silent edit greeting.json')
  edit('from the file', 'from a saved file')
  local saved = state('running')
  tell('other file', { files = saved.files, body = look('/greeting') })

  vim.cmd('Hotplate restart')
  tell('restarted', { state = state('running') })

  vim.cmd('Hotplate stop')
  person.last_state('stopped')
  tell('stopped', { status = vim.g.hotplate_status })
  vim.cmd('Hotplate start')
  tell('started', { state = state('running') })
end)
