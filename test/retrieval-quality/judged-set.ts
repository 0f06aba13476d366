/**
 * A set of passages and queries in several languages, written for this project. Each query names its passages with a
 * grade: 2 answers it, 1 is about it. The words of a query and of its answers often differ, as those of people do.
 */
export interface JudgedQuery {
  text: string;
  /** Grades by passage. */
  grades: Readonly<Record<string, 1 | 2>>;
}

export const PASSAGES: Readonly<Record<string, string>> = {
  // A server's operation
  lease1:
    "A worker holds a lease while it runs a job. The lease expires after thirty seconds unless the worker renews it, and another worker may then take over.",
  lease2:
    "Each new lease carries a higher epoch. The store rejects a write that names an older epoch, so a paused worker cannot corrupt the log.",
  lease3:
    "Leasing a car for three years costs less per month than buying it, but the car goes back to the dealer at the end.",
  queue1: "Jobs wait in a queue until a worker has a free slot. Jobs with a higher priority leave the queue first.",
  queue2: "The queue at the bakery was so long on Sunday that we gave up and had toast at home.",
  retry1:
    "When a provider answers 429, the client waits for the time in the Retry-After header before it sends the request again.",
  retry2:
    "Retries use exponential backoff with jitter: the delay doubles after each failure, and a random part spreads clients that failed together.",
  backup1:
    "Take a snapshot of the database every night and copy it to another site. Test the restoration once a month, because a backup that was never restored is only a hope.",
  backup2:
    "To restore a database, stop all writers, load the snapshot, and replay the log from the time of the snapshot.",
  tls1: "The server reads its certificate and its private key from two files. Renew the certificate before it expires, and send the process a SIGHUP to load the new one.",
  auth1:
    "Every request needs an API key in the Authorization header. Keys are stored as hashes, so a lost key cannot be shown again: create a new one.",
  auth2: "Two-factor authentication asks for a code from your phone in addition to the password.",
  mem1: "The process was killed by the kernel because it used more memory than its container allows. Raise the limit or reduce the number of parallel jobs.",
  mem2: "Human memory is strengthened by sleep: what we learn in the evening is remembered better after a good night.",
  log1: "Log lines are JSON objects with a level, a time and a message. Secrets are removed before a line is written.",
  shard1:
    "The data set is split into sixteen thousand slots. Each node of the cluster serves a part of the slots, and keys with the same hash tag share a slot.",
  cache1:
    "The cache keeps the most recently used entries up to a number of bytes and evicts the oldest when it is full.",
  stream1:
    "Server-sent events are lines of text over one HTTP response. A client that loses the connection sends the id of the last event it has seen.",
  // Cooking
  bread1:
    "Mix flour, water, salt and a sourdough starter. Let the dough rise overnight in the refrigerator and bake it in a hot cast-iron pot.",
  bread2: "A loaf that is dense and gummy was usually baked too short or proofed too little.",
  soup1: "Roast the pumpkin with garlic, blend it with stock and cream, and season with nutmeg.",
  rice1:
    "Rinse the rice until the water runs clear, then cook it with one and a half times its volume of water, covered, for twelve minutes.",
  egg1: "For soft-boiled eggs, lower them into boiling water for six minutes and cool them under the tap.",
  tomato1:
    "Tomatoes should ripen at room temperature. The cold of a refrigerator stops the enzymes that make their flavour.",
  coffee1: "Grind the beans just before brewing. Water that boils burns coffee: ninety-four degrees are right.",
  // Health and body
  sleep1:
    "Adults need between seven and nine hours of sleep. Light from screens late in the evening delays the hormone that makes us tired.",
  back1: "Most pain in the lower back disappears within six weeks. Movement helps more than bed rest.",
  fever1:
    "A temperature above thirty-eight degrees is a fever. Children with a fever should drink a lot and see a doctor after three days.",
  vacc1: "A vaccine shows the immune system a harmless part of a virus, so that it can recognize the real one later.",
  run1: "Beginners should alternate between running and walking, and increase the distance by no more than ten percent a week.",
  burn1: "Cool a burn under running lukewarm water for ten minutes. Do not use ice, butter or toothpaste.",
  // Law, money, travel
  rent1:
    "The landlord must return the deposit within six months after the tenant has moved out, minus the cost of damage beyond normal wear.",
  rent2: "A tenant can end an unlimited rental contract with a notice period of three months.",
  tax1: "Self-employed people pay income tax in advance every quarter. The tax office estimates the amount from the last year.",
  tax2: "Travel to work can be deducted from taxable income for each kilometre of the distance.",
  will1:
    "A handwritten will must be written entirely by hand, dated and signed. A printed text with a signature is void.",
  visa1:
    "Citizens of the union may stay without a visa for ninety days within any period of one hundred and eighty days.",
  bag1: "Liquids in hand luggage must be in containers of at most one hundred millilitres, together in a transparent bag of one litre.",
  delay1:
    "Passengers whose flight arrives more than three hours late can claim a compensation of up to six hundred euros.",
  bike1: "Bicycles travel on the train for the price of a reduced ticket, except during the rush hour.",
  // Nature and science
  bee1: "A honeybee tells the others where food is by a dance: its angle shows the direction, its length the distance.",
  moon1: "The moon raises the tides. Twice a month, when sun and moon pull in one line, the high water is highest.",
  quake1: "Earthquakes happen where plates of the crust slide past each other and suddenly release their tension.",
  ice1: "Ice floats because water expands when it freezes. Otherwise lakes would freeze from the bottom.",
  photo1: "Plants use sunlight to turn carbon dioxide and water into sugar and release oxygen.",
  black1: "Nothing that comes closer than the event horizon can leave a black hole, not even light.",
  whale1:
    "Whales breathe air. The blowhole on top of the head is a nostril, and the cloud above it is warm breath that condenses.",
  tree1: "Trees in a city cool the air by several degrees, because water evaporates from their leaves.",
  // History and culture
  print1: "Gutenberg printed the first Bible with movable type in Mainz around 1455.",
  wall1:
    "The wall that divided Berlin fell on the ninth of November 1989, after a press conference that had not been planned that way.",
  moonland1: "Two men walked on the moon in July 1969 while the third circled above them.",
  opera1: "Mozart finished the overture of Don Giovanni in the night before the first performance.",
  paint1: "Vermeer painted fewer than forty pictures. Many show a woman near a window in soft light from the left.",
  chess1: "A pawn that reaches the last rank must be exchanged for another piece, usually a queen.",
  // German
  de1: "Die Mietkaution muss der Vermieter nach dem Auszug zurückzahlen, abzüglich der Kosten für Schäden an der Wohnung.",
  de2: "Der Zug nach München fährt jede Stunde. Fahrkarten gibt es am Automaten oder im Internet.",
  de3: "Zum Wechseln der Winterreifen sollte man die Regel von Oktober bis Ostern beachten.",
  de4: "Die Datensicherung läuft jede Nacht. Die Wiederherstellung einer Datei dauert wenige Minuten.",
  de5: "Pfifferlinge wachsen von Juni bis Oktober in Nadelwäldern und werden mit Zwiebeln in Butter gebraten.",
  de6: "Die Krankenkasse bezahlt die Impfung gegen Grippe für Menschen über sechzig Jahre.",
  // French
  fr1: "Le locataire doit prévenir le propriétaire trois mois avant de quitter un logement vide.",
  fr2: "La recette des crêpes : mélangez la farine, les œufs et le lait, puis laissez reposer la pâte une heure.",
  fr3: "Le remboursement des frais de santé arrive en général sous cinq jours après l'envoi de la feuille de soins.",
  fr4: "Les marées sont plus fortes aux équinoxes, quand la lune et le soleil s'alignent.",
  fr5: "Pour renouveler un passeport, il faut prendre rendez-vous à la mairie et apporter une photo récente.",
  // Spanish
  es1: "Para renovar el pasaporte hay que pedir cita previa y llevar una fotografía reciente.",
  es2: "La tortilla de patatas se hace con huevos, patatas, aceite de oliva y, según la familia, cebolla.",
  es3: "El inquilino recupera la fianza cuando devuelve el piso en buen estado.",
  es4: "Los terremotos ocurren en los bordes de las placas tectónicas.",
  // Russian
  ru1: "Поезд из Москвы в Санкт-Петербург идёт около четырёх часов. Билеты дешевле, если купить их заранее.",
  ru2: "Борщ варят из свёклы, капусты и мяса и подают со сметаной.",
  ru3: "Резервные копии базы данных создаются каждую ночь и хранятся тридцать дней.",
  // Japanese
  ja1: "日本の新幹線は東京と大阪を約二時間半で結んでいます。切符は駅やインターネットで買えます。",
  ja2: "味噌汁は、だしに味噌を溶かし、豆腐とわかめを入れて作ります。",
  ja3: "地震が起きたら、まず机の下に入って頭を守り、揺れが止まるまで待ってください。",
  ja4: "データベースのバックアップは毎晩作成され、三十日間保存されます。",
  // Chinese
  zh1: "高铁票可以在网上提前十五天购买，改签需要在开车前办理。",
  zh2: "做红烧肉要先把五花肉焯水，再用冰糖炒出糖色。",
  zh3: "租客搬走后，房东应当退还押金，但可以扣除损坏的费用。",
  zh4: "数据库每天晚上自动备份，备份文件保留三十天。",
  // Arabic, Hindi, Thai, Korean
  ar1: "يجب تجديد جواز السفر قبل ستة أشهر من انتهاء صلاحيته.",
  ar2: "تحضر القهوة العربية مع الهيل وتقدم في فناجين صغيرة مع التمر.",
  hi1: "पासपोर्ट के नवीनीकरण के लिए ऑनलाइन आवेदन करें और पुलिस सत्यापन की प्रतीक्षा करें।",
  hi2: "चाय बनाने के लिए पानी में अदरक और इलायची उबालें, फिर दूध और चीनी डालें।",
  th1: "ต้มยำกุ้งทำจากกุ้ง ตะไคร้ ใบมะกรูด และพริก",
  th2: "รถไฟจากกรุงเทพไปเชียงใหม่ใช้เวลาประมาณสิบสองชั่วโมง",
  ko1: "김치는 배추를 소금에 절인 뒤 고춧가루와 마늘을 넣어 만듭니다.",
  ko2: "여권을 갱신하려면 신청서와 사진을 가지고 구청에 가야 합니다.",
};

export const QUERIES: readonly JudgedQuery[] = [
  { text: "What happens when a worker stops renewing its lease?", grades: { lease1: 2, lease2: 1 } },
  { text: "protect the log against writes of a stale worker", grades: { lease2: 2, lease1: 1 } },
  { text: "monthly cost of a leased car", grades: { lease3: 2 } },
  { text: "which job runs first", grades: { queue1: 2 } },
  { text: "how long to wait after a rate limit", grades: { retry1: 2, retry2: 1 } },
  { text: "exponentially growing delays between attempts", grades: { retry2: 2, retry1: 1 } },
  { text: "restoring a database from a backup", grades: { backup2: 2, backup1: 1 } },
  { text: "how often should backups be tested", grades: { backup1: 2, backup2: 1 } },
  { text: "load a new certificate without a restart", grades: { tls1: 2 } },
  { text: "I lost my API key, can you show it to me?", grades: { auth1: 2 } },
  { text: "out of memory kill", grades: { mem1: 2 } },
  { text: "remembering what one has learned", grades: { mem2: 2 } },
  { text: "hash slots of cluster nodes", grades: { shard1: 2 } },
  { text: "eviction of old cache entries", grades: { cache1: 2 } },
  { text: "reconnecting to an event stream", grades: { stream1: 2 } },
  { text: "why is my sourdough bread gummy", grades: { bread2: 2, bread1: 1 } },
  { text: "cooking time of soft eggs", grades: { egg1: 2 } },
  { text: "should tomatoes be kept in the fridge", grades: { tomato1: 2 } },
  { text: "best water temperature for brewing coffee", grades: { coffee1: 2 } },
  { text: "hours of sleep an adult needs", grades: { sleep1: 2, mem2: 1 } },
  { text: "what to do about back pain", grades: { back1: 2 } },
  { text: "first aid for burned skin", grades: { burn1: 2 } },
  { text: "how do vaccines work", grades: { vacc1: 2 } },
  { text: "getting the rental deposit back", grades: { rent1: 2, rent2: 1, de1: 1 } },
  { text: "compensation for delayed flights", grades: { delay1: 2 } },
  { text: "liquids allowed in cabin baggage", grades: { bag1: 2 } },
  { text: "is a printed will valid", grades: { will1: 2 } },
  { text: "deducting commuting from taxes", grades: { tax2: 2, tax1: 1 } },
  { text: "how bees communicate", grades: { bee1: 2 } },
  { text: "cause of earthquakes", grades: { quake1: 2, es4: 1 } },
  { text: "why does ice float on water", grades: { ice1: 2 } },
  { text: "first landing of men on the moon", grades: { moonland1: 2 } },
  { text: "invention of printing", grades: { print1: 2 } },
  { text: "promoting a pawn in chess", grades: { chess1: 2 } },
  { text: "Wann bekomme ich meine Kaution vom Vermieter zurück?", grades: { de1: 2, rent1: 1 } },
  { text: "Dateien wiederherstellen", grades: { de4: 2 } },
  { text: "Winterreifen wechseln wann", grades: { de3: 2 } },
  { text: "Grippeimpfung Kosten", grades: { de6: 2 } },
  { text: "Pilze braten", grades: { de5: 2 } },
  { text: "préavis du locataire", grades: { fr1: 2 } },
  { text: "comment faire la pâte à crêpes", grades: { fr2: 2 } },
  { text: "renouvellement du passeport", grades: { fr5: 2, es1: 1 } },
  { text: "grandes marées", grades: { fr4: 2 } },
  { text: "renovación de pasaportes", grades: { es1: 2, fr5: 1 } },
  { text: "cómo recuperar la fianza del piso", grades: { es3: 2 } },
  { text: "ingredientes de la tortilla española", grades: { es2: 2 } },
  { text: "сколько ехать на поезде до Петербурга", grades: { ru1: 2 } },
  { text: "резервное копирование баз данных", grades: { ru3: 2 } },
  { text: "新幹線の切符はどこで買いますか", grades: { ja1: 2 } },
  { text: "地震のときの行動", grades: { ja3: 2 } },
  { text: "味噌汁の作り方", grades: { ja2: 2 } },
  { text: "房东什么时候退押金", grades: { zh3: 2 } },
  { text: "数据库备份保留多久", grades: { zh4: 2 } },
  { text: "网上买高铁票", grades: { zh1: 2 } },
  { text: "متى أجدد جواز سفري", grades: { ar1: 2 } },
  { text: "पासपोर्ट नवीनीकरण", grades: { hi1: 2 } },
  { text: "นั่งรถไฟไปเชียงใหม่กี่ชั่วโมง", grades: { th2: 2 } },
  { text: "김치 만드는 법", grades: { ko1: 2 } },
  { text: "여권 갱신 방법", grades: { ko2: 2 } },
];
