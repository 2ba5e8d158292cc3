"""Videos of one's own, and tables of labels for them, as raw recordings.

`columns` says what the columns of a table mean, `tables` and `events` what its rows label, `videos` which video and
which of its frames that is, and `reading` puts it together. What is not used is counted in `findings`.
"""
