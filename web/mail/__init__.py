"""Mail in and out, put together. Start at `sorting.Sorter.sort_one`: a stored mail becomes a message, a note, or is set aside.

`sending.MailDoor` is the way back; `mailboxes.Watch` keeps the connections; `reading.Reader` reads in a process of its own.
"""
