"""A first instance: the text of a commented file that a newcomer edits, alone or around what other tools say.

What it writes is valid and has a plan as it is written. Nothing of it is written anywhere by these modules.
"""
