-- Loading the plugin, and having used it, changes no option and no mapping of the person's.

package.path = vim.fs.dirname(vim.env.HOTPLATE_STORY) .. '/?.lua;' .. package.path
local driver = require('driver')

local function options()
  local values = {}
  for name, info in pairs(vim.api.nvim_get_all_options_info()) do
    if info.scope == 'global' then
      values[name] = vim.api.nvim_get_option_value(name, { scope = 'global' })
    end
  end
  values.runtimepath = nil -- where the plugin is found
  return values
end

local function mappings()
  local found = {}
  for _, mode in ipairs({ 'n', 'v', 'x', 's', 'o', 'i', 'c', 't', 'l' }) do
    for _, mapping in ipairs(vim.api.nvim_get_keymap(mode)) do
      found[mode .. mapping.lhs] = mapping.rhs or 'a function'
    end
  end
  return found
end

driver.run(function()
  local before = { options = options(), mappings = mappings() }
  vim.opt.runtimepath:prepend(vim.env.HOTPLATE_PLUGIN)
  vim.cmd('runtime! plugin/hotplate.lua')
  assert(vim.lsp.config.hotplate.cmd)
  for _, path in ipairs(vim.fn.globpath(vim.env.HOTPLATE_PLUGIN, 'lua/hotplate/*.lua', true, true)) do
    local name = vim.fs.basename(path):gsub('%.lua$', '')
    if name ~= 'types' then
      require(name == 'init' and 'hotplate' or 'hotplate.' .. name)
    end
  end
  require('hotplate.output').add({
    app = 'file:///shop',
    generation = 1,
    stream = 'stdout',
    text = '\27[31mred\27[m\n',
  })
  vim.cmd('Hotplate output | close')
  local after = { options = options(), mappings = mappings() }
  local changed = {}
  for kind, values in pairs(before) do
    for name in pairs(vim.tbl_extend('keep', values, after[kind])) do
      if not vim.deep_equal(values[name], after[kind][name]) then
        changed[#changed + 1] = name
      end
    end
  end
  driver.tell('untouched', { changed = changed, options = vim.tbl_count(before.options) })
end)
