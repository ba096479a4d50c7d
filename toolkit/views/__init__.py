"""A report or an event as text lines and as a JSON document; pure, no colour, no terminal.

Each module speaks of one subject and offers `lines(report)` for people and `document(report)` for
programs. Documents carry a `schema` field; a test pins their keys.
"""
