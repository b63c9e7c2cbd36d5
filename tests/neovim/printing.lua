-- What the app prints: in colours, in a window that follows.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local person = require('person')
local tell, wait = driver.tell, driver.wait

--- The text that a highlight group is on.
local function coloured(row)
  local found = {}
  local namespace = vim.api.nvim_get_namespaces()['hotplate.scratch']
  local at = { row - 1, 0 }
  local marks = vim.api.nvim_buf_get_extmarks(0, namespace, at, { row - 1, -1 }, { details = true })
  for _, mark in ipairs(marks) do
    local line = vim.api.nvim_buf_get_lines(0, row - 1, row, false)[1]
    local group = mark[4].hl_group
    found[#found + 1] = {
      text = line:sub(mark[3] + 1, mark[4].end_col),
      colours = vim.api.nvim_get_hl(0, { name = group }),
    }
  end
  return found
end

driver.run(function()
  person.state('running')
  person.look('/colours')
  vim.cmd('Hotplate output')
  local lines = person.shown('hotplate://output', 'plain again')
  local row = vim.fn.search('red')
  tell('colours', { lines = lines, row = row, first = coloured(row), second = coloured(row + 1) })
  vim.cmd('colorscheme blue')
  tell('another scheme', { first = coloured(row) })

  -- It follows where the cursor is on the last line, and only there.
  vim.cmd('normal! G')
  person.look('/many?lines=300')
  person.shown('hotplate://output', 'line 299')
  local last = wait('the end', function()
    return vim.fn.line('$') > 300 and vim.fn.line('.') == vim.fn.line('$') and vim.fn.line('.')
  end)
  tell('followed', { last = last, shown = vim.fn.line('w$') })
  vim.cmd('normal! gg')
  person.look('/many?lines=400')
  person.shown('hotplate://output', 'line 399')
  tell('left alone', { line = vim.fn.line('.'), modifiable = vim.bo.modifiable })

  -- It does not grow without end.
  person.look('/many?lines=12000')
  person.shown('hotplate://output', 'line 11999')
  local namespace = vim.api.nvim_get_namespaces()['hotplate.scratch']
  tell('kept', {
    lines = vim.fn.line('$'),
    marks = #vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, {}),
  })

  -- From a traceback in it to the file. Asked for again, it is shown in the same window.
  person.raise('/price?of=tea')
  person.shown('hotplate://output', 'KeyError')
  vim.cmd('normal! G')
  vim.fn.search('app\\.py", line', 'bW')
  person.press('<CR>')
  tell('jumped', { name = vim.api.nvim_buf_get_name(0), line = vim.api.nvim_get_current_line() })
  local windows = #vim.api.nvim_list_wins()
  vim.cmd('Hotplate output')
  person.shown('hotplate://output', 'KeyError')
  tell('once', { before = windows, windows = #vim.api.nvim_list_wins() })

  -- Thrown away, it begins anew, and is what it was.
  vim.cmd('bdelete')
  person.look('/many?lines=3')
  vim.cmd('Hotplate output')
  local anew = person.shown('hotplate://output', 'line 2')
  tell('anew', {
    lines = anew,
    kind = vim.bo.filetype,
    modifiable = vim.bo.modifiable,
    scratch = vim.bo.buftype,
  })
  person.raise('/price?of=tea')
  person.shown('hotplate://output', 'KeyError')
  vim.cmd('normal! G')
  vim.fn.search('app\\.py", line', 'bW')

  -- It is the only window: the file gets one of its own.
  vim.cmd('only')
  person.press('<CR>')
  tell('beside', { name = vim.api.nvim_buf_get_name(0), windows = #vim.api.nvim_list_wins() })
  vim.cmd('Hotplate output')

  -- Its server has ended: it can still be read.
  vim.cmd('close')
  vim.lsp.get_clients({ name = 'hotplate' })[1]:stop()
  wait('no client', function()
    return #vim.lsp.get_clients({ name = 'hotplate' }) == 0
  end)
  vim.cmd('Hotplate output')
  tell('afterwards', { lines = #person.shown('hotplate://output', 'KeyError') })
end)
