"""What the words of a report mean, for readers who are no statisticians.

One plain explanation per term, one or two sentences, in the order of the alphabet. A word that a page uses
and most people would have to look up belongs here; how something is computed belongs to the function that
computes it.
"""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "Calinski-Harabasz": "An index that compares how far segments lie apart with how far customers of one "
    "segment lie apart. Larger is better; it has no upper end, so compare it only within one table.",
    "Chance band": "What data of the same shape, but without any groups, give in nine of ten tries. A "
    "result inside the band says nothing about groups.",
    "Davies-Bouldin": "An index of how much each segment overlaps with the one most like it. Smaller is "
    "better, 0 is the least.",
    "Effect": "How far the average of a segment lies from the average of all customers, in standard "
    "deviations of all customers. Beyond 0.8 in either direction is a large difference.",
    "Feature": "A column that the segments are made from. Ids, free text and columns left out are not "
    "features.",
    "Fit": "How well a customer sits in its segment: 100 % is right in the middle, 50 % is exactly between "
    "two segments.",
    "Index ×": "A figure of a segment divided by the same figure of all customers: 2.0× is twice as much, "
    "0.5× half.",
    "Inertia": "The sum of squared distances of all customers from the middle of their segment. It always "
    "falls when there are more segments, so by itself it cannot say how many there are.",
    "k-means": "The method that makes the segments: it places a number of middles so that customers are, "
    "all in all, as near as possible to the nearest one.",
    "log1p": "The logarithm of a number plus one. It is used for columns with a few very large values, so "
    "that twice as much counts the same everywhere on the scale.",
    "Map of customers": "All columns flattened to the two directions in which customers differ most "
    "(principal components). Similar customers lie close together; what the two directions do not keep "
    "cannot be seen on it.",
    "Median": "The customer in the middle: half have more, half have less. A few very large customers do "
    "not move it. A typical value is a median.",
    "Near the border": "Another segment fits almost as well: the fit is below 55 %. Do not read much into "
    "which of the two such a customer is in.",
    "Not supported by the data": "The number of segments was asked for, and the data do not show that many "
    "groups. The segments cut up a crowd rather than tell groups apart.",
    "One-hot": "A column of words turned into one column per word that says yes or no, so that no order "
    "between the words is invented.",
    "Rank correlation": "How much two columns rise together, from −1 to +1, judged by the order of "
    "customers and not by the amounts (Spearman).",
    "Seeds agree": "How alike the segments are when the search starts elsewhere: 1 is the same segments "
    "every time, 0 no more alike than by chance.",
    "Separation": "The distance from a segment to its nearest neighbour, measured in the spread of the "
    "two. Cutting one crowd in half gives 2.65; from about 4 on there is a gap between them.",
    "Silhouette": "How much nearer customers are to their own segment than to the next one, on average: 1 "
    "is perfectly apart, 0 is no difference. What counts is whether it beats chance.",
    "Standard scale": "Each column is shifted and stretched to average 0 and standard deviation 1, so that "
    "euros do not count more than visits because their numbers are larger.",
    "Stays": "How often a customer keeps the segment when the study is made again from customers drawn anew: "
    "1 is always. It is seen in a sample, and read off the fit for all others.",
    "Suggested action": "What others do with customers of such a profile. It is a proposal to be tested, "
    "not a forecast: the data do not say what an action will bring.",
    "Unusual": "A customer that lies further from the middle of its segment than three robust standard "
    "deviations. It stays in its segment; look at it before you write to it.",
    "Variation explained": "The share of the differences in one column that goes with the segments: 0 % if "
    "segments do not differ in it, 100 % if customers of one segment are all alike. It does not say why.",
    "Verdict": "Whether the data show groups at all: none, weak (there are groups, with a soft line "
    "between them) or clear (well apart).",
}
