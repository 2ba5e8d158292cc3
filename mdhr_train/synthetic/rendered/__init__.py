"""A synthetic dataset: rendered faces that make action units (AUs), to see on any computer that training learns.

A drawn face is no photograph, but what a network has to solve in it is what it has to solve in videos. Identity, pose,
light, hair, background and camera differ between recordings and carry no label. Each part of MDHR is meant to find work
of its own:

* Facial dynamics: the twins of `behaviour.TWINS`, AU23 and AU24, AU25 and AU26, look the same in every single frame.
  The first of the two trembles, the second holds still. The offsets that one runs through and the other keeps have the
  same distribution, are smaller than the differences between identities, and so only motion tells.
* Cross-regional relations and the regions' auxiliary classifiers: in a quarter of the recordings a fringe hides the
  brows, and AU6 is faint in all of them. These AUs mostly happen together with AUs of another region, which are plain
  (`behaviour.EXPRESSIONS`); who asks there finds what cannot be seen.
* Temporal convolution: blinks, and single frames that are blurred, full of noise or half covered
  (`film.disturb`). What they hide is seen in the neighbouring frames.
"""
