"""Words that say nothing about a question's subject, in English, French and German.

Written without accents.
"""

_ENGLISH = """
a about above after again all also am an and any are as at be because been before being below
between both but by can could did do does doing down during each few for from further had has have
having he her here hers him his how i if in into is it its itself just let me more most my no nor
not of off on once only or other our ours out over own please same she should so some such tell
than that the their theirs them then there these they this those through to too under until up us
very was we were what when where which while who whom why will with would you your yours happen
happens ll re ve isn aren wasn didn couldn shouldn wouldn
"""
_FRENCH = """
ai as au aucun aux avec avoir c ce ceci cela celle celui ces cet cette comme d dans de des donc
dont du elle elles en est et etait etre eux fait il ils j je l la le les leur leurs lui m ma mais
me meme mes moi mon n ne nos notre nous on ont ou par pas peut peuvent peux plus pour pourquoi qu
quand que quel quelle quelles quels qui quoi s sa sans se sera ses si son sont sur t ta te tes toi
ton tu un une vos votre vous y
"""
_GERMAN = """
aber alle allem allen aller alles als also am an auch auf aus bei beim bis bist da damit dann das
dass dazu dein deine dem den denn der des dich die dies diese dieser dieses dir doch dort du durch
ein eine einem einen einer eines er es euch euer fur gibt hab habe haben hatte ich ihm ihn ihr
ihre im in ist ja jede jeder jedes kann kein keine konnen man mein meine mich mir mit muss nach
nicht noch nun nur ob oder ohne sehr sein seine sich sie sind so soll uber um und uns unser unter
vom von vor wann warum was weil welche welcher welches wenn wer werden wie wieder will wir wird wo
wurde zu zum zur
"""

STOP_WORDS = frozenset(f"{_ENGLISH} {_FRENCH} {_GERMAN}".split())
