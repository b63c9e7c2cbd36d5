-- An app that the project's file does not name any more is not in the statusline either.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local person = require('person')
local tell, wait = driver.tell, driver.wait

local function status_has(name)
  return (vim.g.hotplate_status or ''):find(name, 1, true) ~= nil
end

driver.run(function()
  wait('both apps', function()
    return status_has('● shop') and status_has('● admin two')
  end)
  vim.cmd('edit pyproject.toml')
  person.edit('"admin two"', '"office"')
  wait('the other name', function()
    return not status_has('admin two')
  end)
  tell('renamed', { status = vim.g.hotplate_status })
end)
