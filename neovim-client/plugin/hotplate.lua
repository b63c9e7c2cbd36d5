-- `:Hotplate`, and what is to be kept for it. All else is loaded when it is first needed.

if vim.g.loaded_hotplate then
  return
end
vim.g.loaded_hotplate = true

local group = vim.api.nvim_create_augroup('hotplate', {})

vim.api.nvim_create_autocmd('User', {
  group = group,
  pattern = 'HotplateTraceback',
  desc = 'Keep the last tracebacks for :Hotplate tracebacks',
  callback = function(event)
    require('hotplate.tracebacks').add(event.data)
  end,
})

vim.api.nvim_create_autocmd('BufWritePost', {
  group = group,
  desc = 'Tell Hotplate of saved files that it is not attached to, such as a config.json',
  callback = function(event)
    require('hotplate.files').tell_save(event.buf)
  end,
})

vim.api.nvim_create_autocmd('FileChangedShellPost', {
  group = group,
  desc = 'Tell Hotplate of open files that something else has changed, such as git checkout',
  callback = function(event)
    require('hotplate.files').tell_change(event.buf)
  end,
})

vim.api.nvim_create_user_command('Hotplate', function(command)
  require('hotplate').run(command.fargs)
end, {
  nargs = '+',
  desc = 'Run and debug the Flask app of this project',
  complete = function(lead, line)
    return require('hotplate').complete(lead, line)
  end,
})
