-- A traceback in a float, from the line where the problem is shown.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local person = require('person')
local tell, wait = driver.tell, driver.wait

--- What is highlighted in the float, by group.
local function marked()
  local found = vim.empty_dict()
  local namespace = vim.api.nvim_get_namespaces()['hotplate.float']
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
    local details = mark[4]
    local line = vim.api.nvim_buf_get_lines(0, mark[2], mark[2] + 1, false)[1]
    found[details.hl_group] = found[details.hl_group] or {}
    table.insert(found[details.hl_group], line:sub(mark[3] + 1, details.end_col))
  end
  return found
end

local function report(step)
  tell(step, {
    lines = vim.api.nvim_buf_get_lines(0, 0, -1, false),
    marked = marked(),
    line = vim.api.nvim_get_current_line(),
    floating = vim.api.nvim_win_get_config(0).relative ~= '',
  })
end

driver.run(function()
  vim.cmd('Hotplate tracebacks float')
  person.notice('nothing has been raised')
  person.state('running')
  person.raise('/price?of=tea')
  person.raise('/wrapped')
  wait('two problems', function()
    return #vim.diagnostic.get(0) == 2
  end)

  -- The last one, with the exception that it came from.
  vim.cmd('Hotplate tracebacks float')
  report('last')
  person.press('q')
  tell('closed', { windows = #vim.api.nvim_list_wins() })

  -- The one of the problem in the cursor's line.
  vim.fn.search('PRICES\\[')
  vim.cmd('Hotplate tracebacks float')
  report('here')
  person.press('<CR>')
  tell('jumped', { cursor = vim.api.nvim_win_get_cursor(0), name = vim.api.nvim_buf_get_name(0) })

  -- One by its number; a number that is not there.
  vim.cmd('normal! gg')
  vim.cmd('Hotplate tracebacks float 2')
  report('second')
  person.press('<Esc>')
  vim.cmd('Hotplate tracebacks 3')
  tell('no third', { notice = person.notice('there is no traceback 3') })

  -- The file has changed since, and the old line is marked no more.
  vim.fn.search('PRICES\\[')
  vim.api.nvim_set_current_line('    return "free"')
  vim.cmd('Hotplate tracebacks float 2')
  report('changed')
  person.press('q')
  vim.cmd('silent edit!')

  -- The quickfix list has the cause behind the exception.
  vim.cmd('Hotplate tracebacks 1')
  tell('quickfix', { lines = vim.api.nvim_buf_get_lines(0, 0, -1, false) })
  vim.cmd('cclose')

  -- Debuggers that are gone: with the process, and with the server.
  vim.cmd('Hotplate restart')
  person.state('running')
  vim.cmd('Hotplate debugger 1')
  local process = person.notice('The process that raised this is gone')
  vim.lsp.get_clients({ name = 'hotplate' })[1]:stop()
  wait('no client', function()
    return #vim.lsp.get_clients({ name = 'hotplate' }) == 0
  end)
  vim.cmd('Hotplate debugger')
  tell('no debugger', { process = process, server = person.notice('has ended') })
end)
