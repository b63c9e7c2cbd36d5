-- The code lenses, shown as the help says.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')
local person = require('person')

local function titles()
  return vim.tbl_map(function(lens)
    return lens.command.title
  end, vim.lsp.codelens.get(0))
end

local function shown(words)
  return driver.wait('a lens with ' .. words, function()
    local all = table.concat(titles(), ' | ')
    return all:find(words, 1, true) and all
  end)
end

assert(loadstring(table.concat(vim.fn.readfile(vim.env.HOTPLATE_EXAMPLE), '\n')))()

driver.run(function()
  person.state('running')
  driver.tell('running', { lenses = shown(':' .. person.port) })
  vim.cmd('Hotplate stop')
  person.last_state('stopped')
  driver.tell('stopped', { lenses = shown('Start shop') })
end)
