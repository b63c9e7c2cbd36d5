---@meta
--- The messages of Hotplate's own, as `docs/protocol.md` has them.

---@alias hotplate.Phase 'stopped'|'starting'|'running'|'failed'|'stopping'

---@class hotplate.Error
---@field type string
---@field message string
---@field uri? string
---@field range? lsp.Range

---@class hotplate.State
---@field app string
---@field name string
---@field folder string
---@field state hotplate.Phase
---@field generation integer
---@field url? string
---@field pid? integer
---@field reason? 'start'|'save'|'command'|'crash'|'configuration'|'external'
---@field files? string[]
---@field readyMs? integer
---@field error? hotplate.Error

---@class hotplate.Frame
---@field uri string
---@field range lsp.Range
---@field function string
---@field code string
---@field inWorkspace boolean

---@class hotplate.Cause
---@field type string
---@field message string
---@field relation 'cause'|'context'|'group'|'caught'
---@field frames hotplate.Frame[]

---@class hotplate.Traceback
---@field app string
---@field generation integer
---@field id string
---@field when 'startup'|'request'|'thread'|'template'
---@field type string
---@field message string
---@field text string
---@field frames hotplate.Frame[]
---@field causes? hotplate.Cause[]
---@field request? { method: string, url: string }
---@field debuggerUrl? string

---@class hotplate.Output
---@field app string
---@field generation integer
---@field stream 'stdout'|'stderr'
---@field text string
