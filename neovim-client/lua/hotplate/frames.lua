--- What quickfix list and float have in common: the words for a traceback, and its frames' places.

local M = {}

local RELATIONS = {
  cause = 'caused by',
  context = 'raised while handling',
  group = 'in the group',
  caught = 'caught before:',
}

---@param exception { type: string, message: string }
---@return string
local function headline(exception)
  local first = vim.split(exception.message, '\n')[1]
  return first == '' and exception.type or ('%s: %s'):format(exception.type, first)
end

--- The exception in one line, and the request that raised it.
---@param traceback hotplate.Traceback
---@return string
function M.title(traceback)
  local request = traceback.request
  local asked = request and (' (%s %s)'):format(request.method, request.url) or ''
  return headline(traceback) .. asked
end

---@class hotplate.Chapter
---@field heading? string none for the exception itself
---@field frames hotplate.Frame[]

--- The exception and those that are chained to it.
---@param traceback hotplate.Traceback
---@return hotplate.Chapter[]
function M.chapters(traceback)
  local chapters = { { frames = traceback.frames } }
  for _, cause in ipairs(traceback.causes or {}) do
    local relation = RELATIONS[cause.relation] or 'with'
    local heading = ('%s %s'):format(relation, headline(cause))
    chapters[#chapters + 1] = { heading = heading, frames = cause.frames }
  end
  return chapters
end

--- Where to begin reading: the innermost frame of the person's own code.
---@param chapters hotplate.Chapter[]
---@return hotplate.Frame? frame nil where none is
function M.own(chapters)
  for _, chapter in ipairs(chapters) do
    for index = #chapter.frames, 1, -1 do
      if chapter.frames[index].inWorkspace then
        return chapter.frames[index]
      end
    end
  end
end

---@param frame hotplate.Frame
---@return string? path nil for what is no file, such as `<string>`
function M.path(frame)
  return vim.startswith(frame.uri, 'file:') and vim.uri_to_fname(frame.uri) or nil
end

--- A short name: from the current folder, or as it is imported.
---@param path string
---@return string
function M.short(path)
  local imported = path:match('/site%-packages/(.+)$') or path:match('/dist%-packages/(.+)$')
  return imported or vim.fn.fnamemodify(path, ':~:.')
end

return M
