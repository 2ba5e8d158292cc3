"""Collections of videos, labelled on one machine or on many, so that nothing is lost and nothing done twice."""
