"""The language server's face: the only room that knows LSP and pygls."""
