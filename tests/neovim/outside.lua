-- What changes files beside Neovim: git checkout. HOTPLATE_WATCH: the person has opted in.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local person = require('person')
local tell = driver.tell

driver.run(function()
  person.state('running')
  driver.pause('checked out') -- the test does it, as in another terminal
  if not vim.env.HOTPLATE_WATCH then
    tell('before', { body = person.look('/'), states = #person.states })
    vim.cmd('silent checktime')
  end
  local restarted = person.state('running')
  tell('after', { state = restarted, body = person.look('/') })
end)
