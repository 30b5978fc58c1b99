"""Small, frequent words by language, greetings and text-message spellings included, for telling short texts
apart.

Written for this project from general knowledge of the languages; lower case, with and without accents as
people type them. The `-Latn` entries are Arabic, Bengali, Urdu and Persian in Latin letters: they are
recognised so that such a text is not taken for some European language.
"""

from __future__ import annotations

LATIN_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": """
            again afraid scared bins rubbish son daughter bus shops anyone nobody never always after
            before then young fix lights neighbours neighbors anonymous complain hey the and is are
            was i you we they he she it's its to of in on at for with my our your this that not
            don't dont can't cant can do does did have has had what when where why how who hello hi
            thanks thank please yes want need help people street school council would should there
            here be been an about from but so too very more speak closed open safe u r pls plz thx
            good morning
        """,
        "pt": """
            favor arranjem luzes filho filha autocarro autocarros ônibus bairro câmara segurança
            sítio lugar ainda nunca ninguém nada tudo só até depois antes agora então porque essa
            esse esta este elas nem o os as um uma e é eu nós você voce vc vcs tu ele ela eles não
            nao sim que de do da dos das no na nos nas em para pra por com sem mais muito muita meu
            minha nosso nossa seu sua está tá são sao ser ter tem quero preciso ajuda obrigado
            obrigada obg olá ola oi bom boa dia tarde noite como onde quando pq tb também tambem blz
            rua escola crianças gente isso isto aqui falar ao à pela pelo foi vou posso há ja já
            quem qual faz aos bem
        """,
        "es": """
            basura otra vez arreglen luces hijo hija barrio ayuntamiento necesitamos jóvenes siempre
            nunca nada todo todos después antes ahora entonces allí vecinos autobús  noche
            calles sé el la los las un una y es yo nosotros usted ustedes tú él ella ellos no sí si
            que de del en para por con sin más mas muy mucho mucha mi nuestro nuestra su está esta
            son ser tener tiene quiero necesito ayuda gracias hola buenos buenas días dias tardes
            noches cómo como dónde donde cuándo cuando porque xq pq tambien también q calle escuela
            niños gente eso esto aquí aqui hablar al lo le les se me hay pero fue voy puedo ya quién
            cual hace bien señor favor
        """,
        "fr": """
            encore poubelles fils fille quartier mairie faut lieux jeunes toujours jamais rien tout
            tous après avant maintenant alors là aussi beaucoup voisins sais suis peur soir nuit le
            la les un une des et est je tu il elle nous vous ils elles on ne pas oui non que qui de
            du en dans pour par avec sans plus très tres mon ma mes notre nos votre vos son sa ses
            c'est j'ai êtes sont être avoir ai a ont veux voudrais besoin aide merci bonjour bonsoir
            salut comment où ou quand pourquoi pcq svp rue école ecole enfants gens ça ca ici parler
            au aux ce cette ces mais y d'accord slt stp bcp trop l'école quel quelle fait bien
        """,
        "it": """
            ancora spazzatura figlio figlia quartiere comune sindaco servono siamo abbiamo così cosi
            però pero ogni tutti tutto niente nessuno sempre mai dopo prima adesso allora lì là
            vicini autobus ragazzi mille il lo la i gli le un uno una e è io tu lui lei noi voi loro
            non sì si che di del della dei delle in nel nella per con senza più piu molto molta mio
            mia nostro nostra suo sua sono essere avere ho ha hanno voglio vorrei bisogno aiuto
            grazie ciao buongiorno buonasera salve come dove quando perché perche xché anche strada
            scuola bambini gente questo questa qui parlare al alla ai ma c'è chi quale fa bene prego
            nn cosa posso
        """,
        "so": """
            mahadsan waad salaama maalin wanaagsan fiidnimo habeen qashin qashinka laambad nalka bas
            baska caawi maya subax wax baan sheego maxay aniga adiga isaga iyada annaga idinka iyaga
            qof meel meelo badan hore dambe cusub weyn yar haye haa ku soo ka weeye wuu way uga ugu
            loo lama kama kuma iney inuu inaan inaad markii markaan marka sidoo sideen halka xaafad
            masjid caafimaad bulshada dhalinyarada ilmaha wiilkayga waa waan wuxuu waxaan waxay waxa
            iyo ama oo in la u si ay aan aad uu ma miyaa hayaa waxba maxaa sidee xagee goorma waayo
            ilaa laakiin leh leeyahay jira jiraa ahay tahay yahay ahaa mahadsanid salaan salaam
            galab caruurta carruurta dadka degmada wadada dugsiga iskuulka guriga rabaa doonayaa
            caawimaad fadlan kuwa halkan tani kani isku walba haddii kale noo nala anaga iska shaqo
            nabad fiican
        """,
        "sq": """
            rrofsh përnatë miremengjes mirembrema plehrat sërish serish mirë mire di dini
            mirëmëngjes mirmengjes ju lutem prapë dritat djali vajza lagja lagje fqinjët bashkia
            ndihem naten natën dhe është eshte jam je janë jane jemi nuk s' po jo një nje në ne për
            per me pa nga te të i e së se që qe unë une ti ai ajo ata kam keni kemi kanë kane ka
            duhet dua desha doja faleminderit flm përshëndetje pershendetje mirëdita miredita
            mirëmbrëma tungjatjeta si ku kur pse çfarë cfare rruga rrugë shkolla shkollë fëmijët
            femijet njerëzit njerezit kjo ky këtu ketu flas shumë shume më mund edhe por shqip
            ndihmë ndihme jonë tonë jone
        """,
        "pl": """
            znowu śmieci syn córka dzielnica gmina potrzebujemy młodzież zawsze nigdy nic wszystko
            wszyscy potem teraz wtedy tam sąsiedzi autobus wiem nocy wieczorem światło spoko i w we
            z ze na do od po za o u to jest są sa nie tak ja ty on ona my wy oni mam masz ma mamy
            mają chcę chce potrzebuję potrzebuje pomocy dziękuję dziekuje dzięki cześć czesc dzień
            dzien dobry wieczór jak gdzie kiedy dlaczego bo ale czy co że się sie mój moja nasze
            nasz nasza jego jej bardzo więcej dla bez przy ulica ulicy szkoła szkoły dzieci ludzie
            tutaj tu proszę prosze mówić być było będzie tylko już też tez nas mnie może można siema
        """,
        "ro": """
            gunoi gunoiul băiat fata primăria tineri mereu niciodată niciodata tot știu stiu apoi
            vecinii autobuz frumos mă ma simt siguranță siguranta noaptea strazi lumina iar doar
            acolo acum atunci despre dacă daca după dupa nimic toate toți toti asta astea ăsta decât
            sunteți sunteti faceți faceti dați și si este e sunt suntem nu da eu tu el ea noi voi ei
            ele un o în in la de din pe pentru cu fără fara mai foarte mult multă meu mea noastră
            noastra nostru său ce care cine că ca să sa vreau aș as avem am au are nevoie ajutor
            mulțumesc multumesc mersi bună buna salut ziua seara cum unde când cand strada școala
            scoala copii copiii oameni oamenii acesta aceasta aici vorbesc vorbi și-a dar sau bine
            va fi trebuie cartier vă rog
        """,
        "tr": """
            yine çöp oğlum kızım mahallede belediye gençler hep hiç her şey sonra önce şimdi orada
            komşular otobüs tamam gece bilmiyorum teşekkür sağol sagol istiyoruz ve bir bu şu o ben
            sen biz siz onlar değil degil evet hayır hayir var yok için icin ile de da mi mı mu mü
            ne nasıl nasil nerede zaman neden niye çok cok daha ama fakat gibi kadar istiyorum
            isterim lazım lazim yardım yardim teşekkürler tesekkurler ederim merhaba selam günaydın
            gunaydin iyi günler akşamlar sokak okul çocuklar cocuklar insanlar burada burası mahalle
            benim bizim sizin olarak sey lütfen lutfen nerde olsun
        """,
        "tl": """
            maraming paki naman takot anak amin atin kapitbahay trabaho sige ingat bahay tubig ilaw
            lugar kabataan huwag ayos ayusin sabihin gawin bakit lahat bawat habang kapag tapos doon
            rin nga nung kanina bukas araw ang ng mga sa na at ay ako ikaw ka siya kami tayo kayo
            sila po opo oo hindi hinde di wala may mayroon meron gusto kailangan tulong salamat
            kumusta kamusta magandang umaga hapon gabi paano saan kailan ano sino dito ito iyan yan
            namin natin ko mo niya nila lang din pa ba kasi pero para kung dahil bata kalye paaralan
            tao marami sana yung pwede wag ninyo
        """,
        "ar-Latn": """
            ana anta enta inta enti ihna e7na ehna howa hiya houma mesh mish msh mush mashi la2 laa
            naam na3am aywa aiwa ayuwa shukran chokran choukran marhaba mar7aba ahlan salam salaam
            alaykum aleikum wa3alaikum inshallah insha'allah 3ala 3ndi 3andi 3andna 3ayez 3awez ayez
            awez uridu ureed urid bidi biddi baddi bade shu shou leish lesh leh kif keef kifak izzay
            fein wein wayn feen emta imta habibi yalla kteer ktir kathir kol kull wallah walla
             fi min ma3 madrasa shari3 share3 balad nas awlad awladi wlad hayy hadi hada hatha hay
            dol di da ya msa sabah sba7 khair kheir kayn makaynch bzaf bghit wach chno 3lach dyal
            dyalna
        """,
        "bn-Latn": """
            ami amra tumi tomra apni apnara se tara amar amader tomar apnar apnader tar tader ki
            keno kothay kobe kemon kivabe koto ache achi nai nei na hoy hobe hoyeche chai chae lagbe
            korte kori koren korbo korben dhonnobad dhanyabad assalamu walaikum bhalo valo khub onek
            ekhane okhane eta ota ei oi ebong ar kintu jonno theke sathe rasta iskul school baccha
            bacchara manush lok elaka bari shomossha somossa dorkar bolte parbo pari parina bangla
            bolen dekhun thik kore diye niye er te ke
        """,
        "ur-Latn": """
            main mai mein hum ham aap ap tum wo woh yeh ye mera meri mere hamara hamari hamare apka
            apki aapka aapki unka uska kya kyun kyu kahan kab kaise kesy kitna hai hain hy hen ho
            hoon hun tha thi the nahi nahin nai nhi haan han ji shukriya meherbani salam assalam
            alaikum walaikum acha accha bohot bohat bahut zyada yahan wahan aur lekin magar ke ka ki
            ko se par pe liye sath chahiye chahie chaiye chahta chahti karna karo karen karte rahe
            raha rahi gaya gayi sakta sakte sakti mujhe humein hamein bachay bachon bache sarak gali
            masla log logon ilaqa kuch bhi
        """,
        "fa-Latn": """
            man ma shoma to oo ishan ast hast nist mikham mikhaham mikhahim mikhaim nemikham
            nemidonam salam merci mamnoon kheili kheyli khoob khub chera koja key chetor chetori chi
            baraye az dar ra be ba mesl inja anja bache bacheha madrese khiaban mahalle mardom
            lotfan baleh bale kard mikonam mikonid darim daram dare hastam hastim
        """,
    }.items()
}

ARABIC_SCRIPT_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "ar": """
            صباح مساء الخير جزيلا اخر مرة ابني ابنتي بنتي اولادي نحتاج حي حينا شارع الحافلة بالليل
            تمام طيب كمان في من على الى إلى هل أنا انا هذا هذه ما لا لم لن كيف متى أين اين لماذا مع
            عن كان أن ان التي الذي نعم شكرا مرحبا السلام عليكم أريد اريد ليس هنا هناك كل بعد قبل نحن
            هو هي يا و او أو لكن جدا مش عايز بدي شو ليش وين
        """,
        "fa": """
            صبح بخیر شب روز باز هم دوباره پسرم دخترم محله خیابان اتوبوس باشه چیزی همه جا لازم شبها
            نمی‌دانم است این که را برای از به با شما ما در می نمی چرا کجا کی چطور سلام ممنون متشکرم
            مرسی بله نه هست نیست خیلی اینجا آنجا یک تا یا اما باید کنم کنید دارم داریم دارد شود بود
            های خواهم لطفا خوب بچه مردم مدرسه میخواهم نمیدانم
        """,
        "ur": """
            بہت جی صبح بخیر سڑک بچے بچوں پھر کچھ ٹھیک لیے تک ساتھ اب میں کا کی کے سے نہیں ہے ہیں کو
            اور یہ وہ ہم آپ کیا کیوں کہاں کب کیسے پر بھی تھا شکریہ ہاں مجھے ہمیں
        """,
        "ckb": """
            سپاس بەیانی باش شەو دیسان تکایە کوڕ کچ گەڕەک شەقام پاس نازانم دەزانم دەبێت پێویستە هەموو
            لێرە ئەوە ئێمە ئێوە لە بۆ بە کە ئەم ئەو نییە هەیە چۆن کوێ بۆچی سڵاو سوپاس بەڵێ نەخێر زۆر
            دەمەوێت
        """,
    }.items()
}

CYRILLIC_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "ru": """
            доброе утро вечер большое опять почините знаю хочется сын дочь район соседи нам вам ок
            спс все всё ничего тут там когда и не на что как это я мы вы он она они где почему нет
            да спасибо привет здравствуйте есть нужно нужна хочу можно очень у нас мне для или то
            так если бы уже только его еще с в по за от до из к о школа улица люди добрый день
            помогите пожалуйста меня будет надо
        """,
        "uk": """
            доброго ранку вечора дуже знову знаю син донька район сусіди нам вам ок дяк все нічого
            тут там коли та не на що як це я ми ви він вона вони де чому ні так дякую привіт вітаю
            добрий день є потрібно потрібна хочу можна у нас мені для або то якщо вже тільки його ще
            з в по за від до із к про школа вулиця люди будь ласка допоможіть мене буде треба немає
            й
        """,
    }.items()
}
