"""The desk: the pages and the API with which the team reads, corrects, themes and approves.

`pages.router` (under /desk) and `desk_api.router` (under /api) are mounted by `channels.app`.
"""
