"""Which model plays which role of the market: the shipped ones by name, and those of users.

A model is a callable `make(setting, **options)` that returns a player, or several. A case file chooses it by
`[players] ROLE = "name"` and gives it options by `[players.options.ROLE]`. Beside the shipped names a model may be
written as "module:callable", or be announced by a package as an entry point "ROLE.name" of the group
`bestresponse.players`. See `registry`.
"""
