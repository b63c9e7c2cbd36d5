-- The documentation's Lua, run; lualine and heirline are stand-ins that take what they are given.

local examples = vim.json.decode(io.read('*a'))
local taken, refreshed = {}, 0
package.loaded.lualine = {
  setup = function(options)
    taken.lualine = options.sections.lualine_x[1]
  end,
  refresh = function()
    refreshed = refreshed + 1
  end,
}

for _, example in ipairs(examples) do
  local run, mistake = loadstring(example)
  run = run or loadstring('return ' .. example) -- a plugin's specification
  assert(run, mistake)
  if example:find('lualine', 1, true) then
    run()
  elseif example:find('local Hotplate =', 1, true) then
    taken.heirline = assert(loadstring(example .. '\nreturn Hotplate'))()
  elseif example:find('vim.o.statusline', 1, true) then
    run()
  end
end

local lualine, heirline = taken.lualine, taken.heirline
local none = { lualine[1](), heirline.condition() }
vim.g.hotplate_status = '✗ shop :5000'
local failed = { lualine[1](), lualine.color(), heirline.provider(), heirline.hl() }
vim.g.hotplate_status = '● shop :5000'
local running = { lualine[1](), tostring(lualine.color()), tostring(heirline.hl()) }
vim.api.nvim_exec_autocmds('User', { pattern = 'HotplateState', data = {} })
io.stdout:write(vim.json.encode({
  examples = #examples,
  none = none,
  failed = failed,
  running = running,
  shown = vim.api.nvim_eval_statusline(vim.o.statusline, {}).str,
  refreshed = refreshed,
  updates = heirline.update[1] .. ' ' .. heirline.update.pattern,
}))
